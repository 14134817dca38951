echo "interrupt on $MY_ROLE $MY_IP"
