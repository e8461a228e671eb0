"""Files of a workspace that processes share: state that is read later, and locks."""
