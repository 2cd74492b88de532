typedef int placeholder_err;
