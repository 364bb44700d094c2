// Packets as a driver would hand them over, and a sink that counts. Loaded by bench/relay/bpf.py.
//
// `generate` runs as XDP on live frames (BPF_PROG_TEST_RUN): a frame comes back as the gateway left it, so its whole
// header is written each time, with the ports of the next flow. The UDP checksum is right for each.
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEADERS 42     // Ethernet, IPv4 and UDP
#define MAX_FLOWS 8192
#define SPORT 34
#define CHECKSUM 40
#define TC_DROP 2      // TC_ACT_SHOT

struct plan {
    __u8 header[HEADERS];
    __u16 pad;
    __u32 flows;
    __u32 interface;
    __u32 sum;         // of the pseudo header, the UDP length and the payload, in network order
};

struct ports {
    __u16 source, target; // network order
};

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct plan); } plan SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, MAX_FLOWS); __type(key, __u32); __type(value, struct ports); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");

SEC("xdp") int generate(struct xdp_md *context) {
    __u8 *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
    __u32 first = 0, next;
    struct plan *made = bpf_map_lookup_elem(&plan, &first);
    __u64 *sent = bpf_map_lookup_elem(&counts, &first);
    if (!made || !sent || !made->flows || data + HEADERS > end)
        return XDP_ABORTED;
    next = *sent % made->flows;
    struct ports *flow = bpf_map_lookup_elem(&flows, &next);
    if (!flow)
        return XDP_ABORTED;
    *sent += 1;
    __builtin_memcpy(data, made->header, HEADERS);
    __u32 sum = made->sum + flow->source + flow->target;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    __u16 folded = ~sum;
    __u16 *udp = (void *)(data + SPORT);
    udp[0] = flow->source;
    udp[1] = flow->target;
    *(__u16 *)(data + CHECKSUM) = folded ? folded : 0xffff;
    return bpf_redirect(made->interface, 0);
}

SEC("tc") int sink(struct __sk_buff *packet) {
    __u32 second = 1;
    __u64 *arrived = bpf_map_lookup_elem(&counts, &second);
    if (arrived)
        __sync_fetch_and_add(arrived, 1);
    return TC_DROP;
}

char terms[] SEC("license") = "GPL";
