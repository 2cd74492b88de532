typedef int placeholder_core;
