# Others came or went; the next run shares the work among those that are there then.
echo "now there are: $(tr -d '\n' <"$CONPAAS_AGENTS")"
