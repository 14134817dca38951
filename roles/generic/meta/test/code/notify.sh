echo "notify on $MY_ROLE $MY_IP"
