"""The routes of OpenAI's API that its unchanged clients call."""
