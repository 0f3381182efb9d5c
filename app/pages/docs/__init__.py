"""The page that shows the API, with every asset vendored."""
