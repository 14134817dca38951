"""The application's VPN: who belongs to it, who reaches whom, and why not."""
