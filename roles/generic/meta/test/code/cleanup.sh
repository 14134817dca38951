echo "cleanup on $MY_ROLE $MY_IP"
