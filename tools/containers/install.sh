#!/usr/bin/env bash
# Installs podman on Debian, and what stand_in_base.sh needs. Run it as root. Inside another container, podman needs the
# settings beside this file: export CONTAINERS_CONF=$PWD/tools/containers/containers.conf
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends podman runc mmdebstrap
