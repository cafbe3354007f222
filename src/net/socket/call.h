/* The system calls on a socket that --trace tells of. */
#pragma once

enum net_call {
	NET_CALL_SOCKET,
	NET_CALL_BIND,
	NET_CALL_LISTEN,
	NET_CALL_ACCEPT,
	NET_CALL_CONNECT,
	NET_CALL_CONNECTED, /* no call: the end of what connect() began */
	NET_CALL_SEND,	    /* whatever gives bytes to the socket, splice() too */
	NET_CALL_RECV,	    /* whatever takes bytes from it */
	NET_CALL_SHUTDOWN,
	NET_CALL_CLOSE,
};
