/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets from an application to its guardian. The guardian's program includes no other header of the library. */

#pragma once

#include <stdint.h>

/* The descriptor of the guardian's end of the socket, in the guardian. */
#define FERRY_GUARDIAN_FD 0

/* How long a fork server has to end its workers, and what they have left, and a worker to tidy up, before they are
 * killed. Only one that hangs or is stopped needs that long: on a busy machine the others may get no processor for a
 * second. Nobody waits for the guardian. */
#define FERRY_GUARDIAN_GRACE_MILLISECONDS 20000

typedef enum
{
  /* sent with the application's pidfd; the end of that process counts as the end of the socket does */
  FERRY_GUARDIAN_APPLICATION = 1,
  /* sent with a worker's pidfd: the guardian must end the worker and its process group */
  FERRY_GUARDIAN_GUARD,
  /* sent with a fork server's pidfd: like GUARD, but the fork server first has time to end its workers itself */
  FERRY_GUARDIAN_GUARD_FORK_SERVER,
  FERRY_GUARDIAN_RELEASE, /* the process and its process group have ended; the guardian drops them */
  /* the guardian must kill the process and its process group now: the application may not signal it any more */
  FERRY_GUARDIAN_KILL,
} FerryGuardianWord;

typedef struct
{
  uint32_t word; /* a FerryGuardianWord */
  int32_t pid;   /* the number of the process and of its group; 0 for the application */
} FerryGuardianPacket;
