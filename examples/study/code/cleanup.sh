rm -f "$CONPAAS_DATA/results.csv"
