# run.sh [PARAMETERS]: how many values of the parameter there are, 300 without.
exec python3 study.py "${1:-300}"
