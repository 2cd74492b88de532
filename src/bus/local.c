typedef int placeholder_local;
