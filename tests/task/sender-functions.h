/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions that send over a sender that their task was given, for processes and for threads. Arguments and results are
 * behind each name. A message is 8 bytes: its number, from 0.
 *
 *   send-numbers        (ht) -> nothing: sends so many messages
 *   send-and-die        (ht) -> nothing: the same, and then the process is killed
 *   send-until-refused  h -> s: sends until that fails; why
 *   send-large          h -> nothing: sends 1,000,000 bytes
 *   send-buffers        (ht) -> nothing: sends so many buffers of 100,000 bytes, with their numbers as metadata
 *   send-buffers-until-refused  h -> nothing: sends such buffers until that fails
 *   send-in-a-child     h -> s: a child process sends; why that fails
 *   keep-sender         h -> nothing: sends one message, and keeps the sender
 *   keep-new-sender     h -> nothing: the same, but does not start the sender
 *   use-kept-sender     () -> s: starts the kept sender, and sends; why that fails
 *   die-at-end          h -> nothing: reads a descriptor to its end, and the process is killed
 *   send-as-another     h -> nothing: breaks the protocol: sends with a connection id that was not granted
 *   shut-down           h -> nothing: breaks the protocol: shuts the sender's socket down, and never ends */

#pragma once

void sender_functions_register (void);
