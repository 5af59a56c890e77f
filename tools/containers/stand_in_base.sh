#!/usr/bin/env bash
# Usage: stand_in_base.sh ENGINE TAG
# Makes a stand-in for Airbyte's base image for Python connectors, for where no image registry can be reached. It has
# Debian's own Python with pip, the user airbyte (1000) and the folder /airbyte. It is for tests, not for publishing. It
# needs mmdebstrap and root.
set -euo pipefail
engine=$1 tag=$2
suite=${SUITE:-bookworm}
sources=$(mktemp --suffix=.sources)
trap 'rm -f "$sources"' EXIT
# The mirror that this host uses.
sed "s/bookworm/$suite/g" /etc/apt/sources.list.d/debian.sources > "$sources"
mmdebstrap --quiet --mode=root --variant=essential \
  --include=python3,python3-pip,python-is-python3,ca-certificates,tzdata,netbase,adduser \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --customize-hook='chroot "$1" adduser --quiet --uid 1000 --system --group --no-create-home airbyte 2>/dev/null' \
  --customize-hook='chroot "$1" install -d -m 755 -o airbyte -g airbyte /airbyte' \
  "$suite" - "$sources" |
  "$engine" import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' --change 'WORKDIR /airbyte' --change 'CMD ["python3"]' \
    --message "stand-in of Debian $suite packages; not the published image" - "$tag"
