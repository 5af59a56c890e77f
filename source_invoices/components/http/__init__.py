"""How requests are sent: transport, throttling, sign-in, and what an answer means."""
