"""What tests stand on: databases made from migrations, the cast, recorders of statements."""
