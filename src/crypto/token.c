typedef int placeholder_token;
