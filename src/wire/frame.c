typedef int placeholder_frame;
