rm -f /mnt/results/results.csv /mnt/results/share-*.csv
