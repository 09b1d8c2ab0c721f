"""The MCP server: search, checks, sandbox and the whole job for other agents. Thin over what is below it."""
