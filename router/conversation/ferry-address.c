/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The address of a persistent worker: a path, or "@" and a name in the abstract namespace of sockets.
 *
 * Threads: any. */

#include "config.h"

#include "conversation/ferry-address-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

/* sun_path holds a path with its suffix and a zero byte after them. It holds an abstract name with a zero byte
 * before the name, and none after it. */
#define MAX_PATH_LENGTH (sizeof ((struct sockaddr_un *) NULL)->sun_path - sizeof FERRY_ADDRESS_NEW_SUFFIX)
#define MAX_NAME_LENGTH (sizeof ((struct sockaddr_un *) NULL)->sun_path - 1)

static gboolean
init_name (FerryAddress *self, const char *text, GError **error)
{
  gsize length = strlen (text + 1);

  if (length == 0 || length > MAX_NAME_LENGTH)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "'%s' is not a valid address; give 1 to %" G_GSIZE_FORMAT " bytes of a name after the '@'",
                            text, MAX_NAME_LENGTH);
  memcpy (self->name.sun_path + 1, text + 1, length);
  self->size = (socklen_t) (G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + 1 + length);
  self->text = g_strdup (text);
  return TRUE;
}

/* Makes the path absolute, since the process may have another working directory when the path is used again. */
static gboolean
init_path (FerryAddress *self, const char *text, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (text, NULL);
  gsize length = strlen (path);

  if (length > MAX_PATH_LENGTH)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "'%s' is too long for a socket, whose path has at most %" G_GSIZE_FORMAT
                            " bytes; use a folder with a shorter name",
                            path, MAX_PATH_LENGTH);
  memcpy (self->name.sun_path, path, length + 1);
  self->size = (socklen_t) sizeof self->name;
  self->text = g_strdup (path);
  self->path = g_steal_pointer (&path);
  return TRUE;
}

gboolean
ferry_address_init (FerryAddress *self, const char *text, GError **error)
{
  *self = (FerryAddress){.name.sun_family = AF_UNIX};
  if (text[0] == '\0')
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The address is empty; give a path, or '@' and a name");
  return text[0] == '@' ? init_name (self, text, error) : init_path (self, text, error);
}

void
ferry_address_clear (FerryAddress *self)
{
  g_clear_pointer (&self->text, g_free);
  g_clear_pointer (&self->path, g_free);
}

int
ferry_address_connect (const FerryAddress *self)
{
  ferry_autofd fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0 || connect (fd, (const struct sockaddr *) &self->name, self->size) < 0)
    {
      int failure = errno;

      ferry_clear_fd (&fd);
      errno = failure;
      return -1;
    }
  return ferry_steal_fd (&fd);
}

gboolean
ferry_address_get_peer (int fd, struct ucred *peer, GError **error)
{
  socklen_t size = sizeof *peer;

  return getsockopt (fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0 ||
         ferry_set_system_error (error, "getsockopt(SO_PEERCRED)");
}
