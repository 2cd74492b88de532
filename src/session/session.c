typedef int placeholder_session;
