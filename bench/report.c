/* report.c - what a run found, as one line of JSON. Times in nanoseconds. */
#include "load.h"

#include <inttypes.h>

void report(const struct load *load)
{
    const struct histogram *latency = &load->latency;
    printf("{\"workload\": \"%s\", \"protocol\": \"%s\", \"run_ns\": %" PRId64 ", \"sent\": %" PRIu64 ", \"accepted\": %" PRIu64
           ", \"delivered\": %" PRIu64 ", \"logins\": %" PRIu64,
           load->options.workload->name, load->options.tongue->name, load->stopped - load->began, load->sent, load->accepted,
           load->delivered, load->logins);
    printf(", \"cpu_ns\": %" PRIu64 ", \"verify_cpu_ns\": %" PRIu64 ", \"total_cpu_ns\": %" PRIu64 ", \"own_cpu_ns\": %" PRIu64,
           load->after.cpu_ns - load->before.cpu_ns, load->verified.cpu_ns - load->after.cpu_ns, load->verified.cpu_ns,
           cost_of(0).cpu_ns);
    printf(", \"loop_ns\": %" PRIu64, cost_busiest_loop(&load->before, &load->after));
    printf(", \"memory\": %" PRIu64 ", \"memory_empty\": %" PRIu64 ", \"users\": %u", load->after.memory, load->empty,
           load->options.users);
    printf(", \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64 ", \"most_ns\": %" PRIu64 "}\n", histogram_at(latency, 0.50),
           histogram_at(latency, 0.99), latency->most);
    fflush(stdout);
}
