# Once on every machine: what the study needs must be there.
command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 1; }
echo "$MY_ROLE $MY_IP is ready, its master is $MASTER_IP"
