/* SPDX-License-Identifier: GPL-2.0 */
/* Many hosts on one machine, each with an address of its own, that talk to as many
 * others: what a gateway between them has neighbours of.
 */
#ifndef GWSYNC_TRAFFIC_HOSTS_H
#define GWSYNC_TRAFFIC_HOSTS_H

/**
 * hosts_run() - be these hosts until SIGTERM, then say in a line of JSON how it went
 * @argc: of @argv
 * @argv: "answer ADDRESS/COUNT...", which is COUNT hosts from ADDRESS on, or
 *	"ask EVERY_MS ADDRESS/COUNT=PEER...", where each asks one from PEER on
 *
 * Says "talking" when each has been answered; what is counted begins there.
 *
 * Return: exit status, 2 if the words are none of these.
 */
int hosts_run(int argc, char **argv);

#endif
