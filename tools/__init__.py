"""What an agent or a tool expert may do, and what it costs. Imports core only; handed to others by wiring."""
