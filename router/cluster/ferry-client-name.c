/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The name of a client, by which an application that has crashed comes back to what its hosts run for it.
 *
 * A cluster takes the first of a row of names that no other one has. Whoever has a name is the only one of all
 * processes that could take it, and its death gives the name free. So the next one with this name may end what hosts
 * run for the one before, and two that run side by side never end each other's.
 *
 * A name is that of an abstract Unix socket, which nobody listens at. The kernel lets one socket have it, and frees it
 * when its process ends, however that ends. Nothing lies in a file, so nothing is left over and nothing blocks.
 *
 * Two names are never the same by chance: a name is a digest of all that tells where it could be taken, of the user and
 * of the application, with a number. It could be taken in this network namespace, as abstract names belong to one,
 * since the machine has booted. The time since then orders those that have had a name one after another.
 *
 * A socket that a child of fork() has inherited keeps the name until the child ends or executes a program. The next
 * start gets another name then, and hosts keep what they run for the one before until its time is over.
 *
 * Owner:   a cluster, with its bus.
 * Threads: any, one at a time. */

#include "config.h"

#include "cluster/ferry-client-name-private.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

/* How many clients of one user and application have names, on one machine. */
#define MAX_CLIENTS 64

/* How much of the digest is in a name. */
#define DIGEST_LENGTH 32

/* Returns (transfer full) (nullable) what all names of the application have in common here. */
static char *
dup_digest (const char *application, const char *user)
{
  g_autofree char *boot = NULL;
  g_autofree char *place = NULL;
  g_autofree char *digest = NULL;
  struct stat network;

  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &boot, NULL, NULL) ||
      stat ("/proc/self/ns/net", &network) < 0)
    return NULL;
  place = g_strdup_printf ("%s %" G_GUINT64_FORMAT " %u %s %s", g_strchomp (boot), (guint64) network.st_ino,
                           (guint) geteuid (), user, application);
  digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, place, -1);
  return g_strndup (digest, DIGEST_LENGTH);
}

/* Returns a socket that has the name, or -1. errno is EADDRINUSE if another one has it. */
static int
bind_name (const char *name)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int size = g_snprintf (address.sun_path + 1, sizeof address.sun_path - 1, "ferry-client/%s", name);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  if (bind (fd, (const struct sockaddr *) &address,
            (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 + (gsize) size)) == 0)
    return fd;
  size = errno;
  close (fd);
  errno = size;
  return -1;
}

/* In nanoseconds, as others of this name may have had it. */
static guint64
get_since (void)
{
  return (guint64) ferry_time_since_boot () * 1000;
}

void
ferry_client_name_take (FerryClientName *self, const char *application, const char *user, const char *id)
{
  g_autofree char *digest = dup_digest (application, user);

  for (guint i = 0; digest != NULL && i < MAX_CLIENTS; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-%u", digest, i);
      int fd = bind_name (name);

      if (fd >= 0)
        {
          *self = (FerryClientName){g_steal_pointer (&name), get_since (), fd};
          return;
        }
      if (errno != EADDRINUSE)
        break;
    }
  g_info (
    "This process has no name that the hosts of '%s' know after a restart: if it is killed, they run its tasks on "
    "until the cut timeout is over",
    application);
  *self = (FerryClientName){g_strdup (id), get_since (), -1};
}

void
ferry_client_name_release (FerryClientName *self)
{
  if (self->name != NULL && self->socket >= 0)
    close (self->socket);
  g_free (self->name);
  *self = (FerryClientName){.socket = -1};
}
