#!/usr/bin/env bash
# Syncs streams into JSON Lines files with nothing but pipes: at first everything, later what is new or has changed.
#
# Needs Linux, jq (1.7 or later if whole numbers may have more than 15 digits) and `source-invoices` on the PATH.
#
#     ./pipes.sh config.json data payhubix_invoices nexudus_payout_invoices
#
# config.json is the connector's configuration. Each run that brings rows adds data/<stream>-<time>.jsonl; the state is
# in data/state.json. If a stream or a program fails, the exit code is not 0 and the state stays as it was: run it again.
# A row may come twice; the last one counts.
set -euo pipefail
usage="usage: $0 CONFIG FOLDER STREAM..."
case ${1-} in -h | --help) echo "$usage"; exit ;; esac
[ $# -ge 3 ] || { echo "$usage" >&2; exit 2; }
config=$1 folder=$2
shift 2
[ -r "$config" ] && [ ! -d "$config" ] || { echo "$config cannot be read." >&2; exit 1; }

mkdir -p "$folder"
exec 9> "$folder/.lock"
flock --nonblock 9 || { echo "Another run is writing to $folder." >&2; exit 1; }
rm -rf "$folder"/.run-* # of a run that was killed
work=$(mktemp -d "$folder/.run-XXXXXX") # beside the results, so that each of them appears as a whole
trap 'rm -rf "$work"' EXIT

jq --null-input '{streams: ($ARGS.positional | map({
    stream: {name: ., json_schema: {}, supported_sync_modes: ["full_refresh", "incremental"]},
    sync_mode: "incremental", destination_sync_mode: "append"}))}' --args "$@" > "$work/catalog.json"
[ -e "$folder/state.json" ] || echo '[]' > "$folder/state.json"

# Rows, states, and errors with warnings, each into a place of its own.
source-invoices read --config "$config" --catalog "$work/catalog.json" --state "$folder/state.json" |
  jq --raw-output '
    if .type == "RECORD" then "\(.record.stream).jsonl\t\(.record.data | tojson)"
    elif .type == "STATE" then "states\t\(.state | tojson)"
    elif .trace.type == "ERROR" then ["error", .trace.error.message] | @tsv
    elif .log.level == "WARN" then ["error", .log.message] | @tsv
    else empty end' |
  awk -F '\t' -v work="$work" '{ print $2 > ($1 == "error" ? "/dev/stderr" : work "/" $1) }'

# pipefail: this line is reached only if all of it went well. The new state is the last one of each stream, the earlier
# one where there is no other. It is saved after the rows: the other way round, a crash in between would lose them.
touch "$work/states"
jq --slurp 'flatten(1) | group_by(.stream.stream_descriptor.name) | map(last)' \
  "$folder/state.json" "$work/states" > "$work/state.json"
time=$(date --utc +%Y%m%dT%H%M%S.%NZ)
sync "$work"/*
for rows in "$work"/*.jsonl; do
  [ ! -e "$rows" ] || mv "$rows" "$folder/$(basename "$rows" .jsonl)-$time.jsonl"
done
sync "$folder"
mv "$work/state.json" "$folder/state.json"
