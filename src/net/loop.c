typedef int placeholder_loop;
