echo "init on $MY_ROLE $MY_IP"
