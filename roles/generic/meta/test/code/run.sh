echo "run on $MY_ROLE $MY_IP"
