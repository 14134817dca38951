"""The way to machines: SSH, Ansible, who is visited when."""
