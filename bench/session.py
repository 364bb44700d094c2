"""What both ends of a measured call say of their media: 26 lines, as a room system with two streams writes them."""

VIDEO = """v=0
o=room 1 1 IN IP4 {address}
s=room
c=IN IP4 {address}
b=AS:2048
t=0 0
m=audio {audio} RTP/AVP 96 9 8 0 101
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
m=video {video} RTP/AVP 97 98
b=TIAS:1920000
a=rtpmap:97 H264/90000
a=fmtp:97 profile-level-id=42801f;packetization-mode=1
a=rtpmap:98 VP8/90000
a=rtcp-fb:* nack pli
a=rtcp-fb:* ccm fir
a=content:main
a=label:11
a=sendrecv
"""
