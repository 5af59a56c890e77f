"""The project as its users get it: the wheel, the image, the examples and the page of the demo."""
