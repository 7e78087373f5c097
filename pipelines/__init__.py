"""Pipeline definitions, the runners that execute them, and what happens before and after."""
