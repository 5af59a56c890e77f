#!/usr/bin/env bash
# Installs Java 17 on Debian, for Spark. Needs root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless
