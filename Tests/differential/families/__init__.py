"""What is sent: a file for each family of commands."""
