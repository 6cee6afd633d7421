/* SPDX-License-Identifier: GPL-2.0 */
/* The client's control socket: one command line in, one line of JSON out. */
#ifndef GWSYNC_TRAFFIC_CONTROL_H
#define GWSYNC_TRAFFIC_CONTROL_H

/* Commands, in the order of a phase:
 *   status       is everything set up?
 *   phase NAME   flows that died are opened anew, expectations arranged
 *   mark         the measures start
 *   probe        every flow has to answer now
 *   report       the measures; "done" when every flow answered or died
 *   finish       downloads come to their end and compare checksums
 *   quit
 * Each is answered with the same object as report.
 */
int control_listen(const char *path);
void control_close(void);

/* Sends @command and prints the answer; the exit status of the program. */
int control_ask(const char *path, const char *command);

#endif
