"""What a build is made of, what it costs and how far it is: from configuration and files alone, without PyTorch."""
