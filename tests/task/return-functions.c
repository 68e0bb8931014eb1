/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "task/return-functions.h"

#include <fcntl.h>
#include <ferry-conversations.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static FerryTransport *kept;
static FerryDemux *server;
static int deaf[2] = {-1, -1};

static gint
return_text (FerryJob *job, const char *text, GError **error)
{
  int fd = memfd_create ("text", MFD_CLOEXEC);
  gint handle;

  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  handle = ferry_job_return_descriptor (job, fd, error);
  close (fd);
  return handle;
}

static GVariant *
return_texts (FerryJob *job, GVariant *arguments, GError **error)
{
  GVariantBuilder builder;
  GVariantIter iter;
  const char *text;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ah"));
  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_next (&iter, "&s", &text))
    {
      gint handle = return_text (job, text, error);

      if (handle < 0)
        {
          g_variant_builder_clear (&builder);
          return NULL;
        }
      g_variant_builder_add (&builder, "h", handle);
    }
  return g_variant_builder_end (&builder);
}

static GVariant *
send_text (FerryJob *job, GVariant *arguments, GError **error)
{
  gint handle = return_text (job, g_variant_get_string (arguments, NULL), error);

  if (handle >= 0)
    ferry_job_send (job, "file", g_variant_new_handle (handle), error);
  return NULL;
}

static GVariant *
yield_texts (FerryJob *job, GVariant *arguments, GError **error)
{
  GVariantIter iter;
  const char *text;

  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_next (&iter, "&s", &text))
    {
      gint handle = return_text (job, text, error);

      if (handle < 0 || !ferry_job_yield (job, g_variant_new_handle (handle), error))
        break;
    }
  return NULL;
}

static GVariant *
return_and_die (FerryJob *job, GVariant *arguments, GError **error)
{
  send_text (job, arguments, error);
  raise (SIGKILL);
  return NULL;
}

static GVariant *
return_once_killed (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *text, *path;

  g_variant_get (arguments, "(&s&s)", &text, &path);
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_variant_new_handle (return_text (job, text, error));
  return_text (job, "of the first attempt", error);
  g_file_set_contents (path, "", 0, NULL);
  raise (SIGKILL);
  return NULL;
}

static GVariant *
return_until_refused (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GError) refusal = NULL;
  guint n = 0;

  while (return_text (job, "x", &refusal) >= 0)
    n++;
  return g_variant_new ("(us)", n, refusal->message);
}

static GVariant *
return_late (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = ferry_job_dup_descriptor (job, g_variant_get_handle (arguments), error);
  char byte;

  while (fd >= 0 && read (fd, &byte, 1) > 0)
    ;
  close (fd);
  return_text (job, "late", error);
  return NULL;
}

static GVariant *
return_path (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = open (g_variant_get_string (arguments, NULL), O_RDONLY | O_CLOEXEC);
  gint handle = ferry_job_return_descriptor (job, fd, error);

  close (fd);
  return handle >= 0 ? g_variant_new_handle (handle) : NULL;
}

static GVariant *
return_closed (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = open ("/", O_RDONLY | O_CLOEXEC);

  close (fd);
  ferry_job_return_descriptor (job, fd, error);
  return NULL;
}

/* ---- breaking the rules ---- */

/* The socket of the task's descriptor port: the one with a packet of kind 12, which docs/protocol.md describes. */
static int
find_box (void)
{
  guint32 words[6];

  for (int fd = 3; fd < 1024; fd++)
    if (recv (fd, words, sizeof words, MSG_PEEK | MSG_DONTWAIT) == sizeof words && words[2] == 12)
      return fd;
  g_assert_not_reached ();
}

static void
send_packet (int fd, gsize size, guint n_descriptors)
{
  union
  {
    char bytes[CMSG_SPACE (253 * sizeof (int))];
    struct cmsghdr header;
  } rights = {0};
  g_autofree char *data = g_malloc0 (size);
  struct iovec vector = {data, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  if (n_descriptors > 0)
    {
      message.msg_control = rights.bytes;
      message.msg_controllen = CMSG_SPACE (n_descriptors * sizeof (int));
      rights.header.cmsg_level = SOL_SOCKET;
      rights.header.cmsg_type = SCM_RIGHTS;
      rights.header.cmsg_len = CMSG_LEN (n_descriptors * sizeof (int));
      /* The box itself: a cycle that only the kernel can free. */
      for (guint i = 0; i < n_descriptors; i++)
        memcpy (CMSG_DATA (&rights.header) + i * sizeof (int), &fd, sizeof fd);
    }
  sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static GVariant *
return_by_force (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *way;
  guint n;
  int box = find_box ();

  g_variant_get (arguments, "(&su)", &way, &n);
  for (guint i = 0; i < n; i++)
    if (g_str_equal (way, "nothing"))
      send_packet (box, 16, 0);
    else if (g_str_equal (way, "two"))
      send_packet (box, 16, 2);
    else if (g_str_equal (way, "253"))
      send_packet (box, 16, 253);
    else if (g_str_equal (way, "large"))
      send_packet (box, 60000, 1);
    else if (g_str_equal (way, "empty"))
      send_packet (box, 0, 0);
    else if (g_str_equal (way, "itself"))
      send_packet (box, 16, 1);
    else
      shutdown (box, SHUT_RDWR);
  return NULL;
}

/* ---- transports ---- */

static void
double_number (FerryInvocation *invocation, gpointer data)
{
  gint64 number = g_variant_get_int64 (ferry_invocation_get_arguments (invocation));

  ferry_invocation_return_value (invocation, g_variant_new_int64 (2 * number));
}

static GVariant *
serve (FerryJob *job, GVariant *arguments, GError **error)
{
  gint handle;

  g_clear_object (&server);
  g_clear_object (&kept);
  kept = ferry_job_return_transport (job, &handle, error);
  if (kept == NULL)
    return NULL;
  server = ferry_demux_new (kept);
  ferry_demux_add_handler (server, "double", double_number, NULL, NULL);
  return ferry_demux_start (server, error) ? g_variant_new_handle (handle) : NULL;
}

static GVariant *
return_deaf (FerryJob *job, GVariant *arguments, GError **error)
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, deaf), ==, 0);
  return g_variant_new_handle (ferry_job_return_descriptor (job, deaf[0], error));
}

static GVariant *
make_blocking (FerryJob *job, GVariant *arguments, GError **error)
{
  fcntl (deaf[0], F_SETFL, fcntl (deaf[0], F_GETFL) & ~O_NONBLOCK);
  return NULL;
}

static GVariant *
stop_serving (FerryJob *job, GVariant *arguments, GError **error)
{
  if (kept != NULL)
    ferry_transport_close (kept);
  g_clear_object (&server);
  g_clear_object (&kept);
  for (guint i = 0; i < G_N_ELEMENTS (deaf); i++)
    if (deaf[i] >= 0)
      close (deaf[i]);
  deaf[0] = deaf[1] = -1;
  return NULL;
}

/* What return-in-file and fail-in-part write to memory. */
static GVariant *
return_in_file (FerryJob *job, GVariant *value, const char *type, gboolean seals, GError **error)
{
  int fd = memfd_create ("value", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  gsize size = g_variant_get_size (value);
  GVariant *result;

  g_assert_cmpint (write (fd, g_variant_get_data (value), size), ==, (gssize) size);
  if (seals)
    g_assert_cmpint (fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), ==, 0);
  result = ferry_job_return_file (job, fd, G_VARIANT_TYPE (type), error);
  close (fd);
  return result;
}

static GVariant *
return_value_in_file (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  const char *type;
  gboolean seals;

  g_variant_get (arguments, "(v&sb)", &value, &type, &seals);
  return return_in_file (job, value, type, seals, error);
}

static GVariant *
fail_in_part (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) value = NULL;
  gboolean is_in_file;
  GVariant *part;

  g_variant_get (arguments, "(vb)", &value, &is_in_file);
  part = is_in_file ? return_in_file (job, value, g_variant_get_type_string (value), TRUE, error) : value;
  if (part == NULL || !ferry_job_send_partial_result (job, part, error))
    return NULL;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "in part");
  return NULL;
}

/* Sends a part once its time is over, or it was cancelled. */
static GVariant *
part_when_late (FerryJob *job, GVariant *arguments, GError **error)
{
  struct pollfd poll_fd = {.fd = g_cancellable_get_fd (ferry_job_get_cancellable (job)), .events = POLLIN};

  ferry_job_send (job, "begun", g_variant_new_boolean (TRUE), NULL);
  poll (&poll_fd, 1, -1);
  g_cancellable_release_fd (ferry_job_get_cancellable (job));
  g_assert_true (ferry_job_send_partial_result (job, g_variant_new_string ("late"), NULL));
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
make_strings (guint n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("pictures/%u.jpeg", i);

      g_variant_builder_add (&builder, "s", text);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* path: empty for memory that is sealed. */
static GVariant *
return_at (FerryJob *job, GVariant *value, const char *path, GError **error)
{
  GVariant *result;
  int fd;

  if (path[0] == '\0')
    return return_in_file (job, value, g_variant_get_type_string (value), TRUE, error);
  fd = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  g_assert_cmpint (write (fd, g_variant_get_data (value), g_variant_get_size (value)), ==,
                   (gssize) g_variant_get_size (value));
  result = ferry_job_return_file (job, fd, g_variant_get_type (value), error);
  close (fd);
  return result;
}

static GVariant *
return_strings (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) strings = NULL;
  const char *path;
  gboolean in_part;
  GVariant *value;
  guint n;

  g_variant_get (arguments, "(u&sb)", &n, &path, &in_part);
  strings = make_strings (n);
  value = return_at (job, strings, path, error);
  if (value == NULL || !in_part)
    return value;
  if (ferry_job_send_partial_result (job, value, error))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "in part");
  return NULL;
}

static GVariant *
return_zeros (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) zeros = NULL;
  g_autofree guint8 *bytes = NULL;
  const char *path;
  guint n;

  g_variant_get (arguments, "(u&s)", &n, &path);
  bytes = g_malloc0 (n);
  zeros = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, n, 1));
  return return_at (job, zeros, path, error);
}

/* Writes over the whole file, as any worker may. */
static GVariant *
write_on (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path = g_variant_get_string (arguments, NULL);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  off_t size = lseek (fd, 0, SEEK_END);
  g_autofree char *bytes = NULL;

  g_assert_cmpint (size, >, 0);
  bytes = g_strnfill ((gsize) size, '\xff');
  g_assert_cmpint (pwrite (fd, bytes, (gsize) size, 0), ==, size);
  close (fd);
  return NULL;
}

void
return_functions_register (void)
{
  ferry_function_register ("return-strings", "(usb)", NULL, return_strings);
  ferry_function_register ("return-zeros", "(us)", NULL, return_zeros);
  ferry_function_register ("write-on", "s", "", write_on);
  ferry_function_register ("return-in-file", "(vsb)", NULL, return_value_in_file);
  ferry_function_register ("fail-in-part", "(vb)", NULL, fail_in_part);
  ferry_function_register ("part-when-late", NULL, "", part_when_late);
  ferry_function_register ("return-texts", "as", "ah", return_texts);
  ferry_function_register ("send-text", "s", "", send_text);
  ferry_function_register ("yield-texts", "as", "", yield_texts);
  ferry_function_register ("return-and-die", "s", "", return_and_die);
  ferry_function_register ("return-once-killed", "(ss)", "h", return_once_killed);
  ferry_function_register ("return-until-refused", NULL, "(us)", return_until_refused);
  ferry_function_register ("return-late", "h", "", return_late);
  ferry_function_register ("return-path", "s", "h", return_path);
  ferry_function_register ("return-closed", NULL, "", return_closed);
  ferry_function_register ("return-by-force", "(su)", "", return_by_force);
  ferry_function_register ("serve", NULL, "h", serve);
  ferry_function_register ("return-deaf", NULL, "h", return_deaf);
  ferry_function_register ("make-blocking", NULL, "", make_blocking);
  ferry_function_register ("stop-serving", NULL, "", stop_serving);
}
