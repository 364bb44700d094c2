"""`hubctl`: an installation moved in and out, and questions to a hub from a shell."""
