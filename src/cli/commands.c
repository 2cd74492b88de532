typedef int placeholder_commands;
