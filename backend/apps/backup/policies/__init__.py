"""What a configuration asks for: its schedule, the production policies and the request copied into a job."""
