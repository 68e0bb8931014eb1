/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The errors of the domain FERRY_ERROR, and what each of them carries: its trace, and its cause. */

#include "config.h"

#include "base/ferry-error.h"

#include <string.h>

#include "base/ferry-base-private.h"

/* The private data of an error of the domain FERRY_ERROR. g_error_copy() copies the data, g_prefix_error() keeps it,
 * and g_error_free() frees it.
 *
 * The functions below are those that G_DEFINE_EXTENDED_ERROR() would define. The macro is not used because it would
 * name the domain “FerryError”: the domain's name is part of the protocol, and must be “ferry-error-quark”. */
typedef struct
{
  GRefString *trace;     /* (owned) (nullable) */
  gboolean is_shortage;  /* see ferry_error_is_shortage() */
  FerryErrorCause cause; /* its strings are owned */
} Carried;

static const FerryErrorCause no_cause;

/* Returns the private data, which GLib places before the error, at GLib's alignment. */
static Carried *
get_carried (const GError *error)
{
  const gsize alignment = 2 * sizeof (gsize);

  g_assert (error->domain == FERRY_ERROR);
  return (gpointer) ((guint8 *) error - ((sizeof (Carried) + alignment - 1) & -alignment));
}

static void
init_carried (GError *error)
{
  *get_carried (error) = (Carried){NULL};
}

static void
set_cause (Carried *carried, const FerryErrorCause *cause)
{
  char *files = g_strdup (cause->files);

  g_free ((char *) carried->cause.files);
  carried->cause = *cause;
  carried->cause.files = files;
}

static void
copy_carried (const GError *source, GError *copy)
{
  GRefString *trace = get_carried (source)->trace;

  get_carried (copy)->trace = trace != NULL ? g_ref_string_acquire (trace) : NULL;
  get_carried (copy)->is_shortage = get_carried (source)->is_shortage;
  set_cause (get_carried (copy), &get_carried (source)->cause);
}

static void
clear_carried (GError *error)
{
  g_clear_pointer (&get_carried (error)->trace, g_ref_string_release);
  set_cause (get_carried (error), &no_cause);
}

/**
 * ferry_error_quark:
 *
 * Returns the error domain of Ferry, for which `FERRY_ERROR` is short. The codes are those of [error@Ferry.Error]. Any
 * thread.
 *
 * Returns: the quark
 */
GQuark
ferry_error_quark (void)
{
  static GQuark quark;
  static gsize registered;

  if (g_once_init_enter (&registered))
    {
      quark = g_error_domain_register_static ("ferry-error-quark", sizeof (Carried), init_carried, copy_carried,
                                              clear_carried);
      g_once_init_leave (&registered, 1);
    }
  return quark;
}

/* Registers the domain when the library is loaded. GLib must know the size of the private data before the first
 * error is made. A language binding may make an error by the domain's name, without calling ferry_error_quark(). */
static __attribute__ ((constructor)) void
register_domain (void)
{
  ferry_error_quark ();
}

/* Returns (transfer none) (nullable) the trace. The domain of error must be FERRY_ERROR. */
GRefString *
ferry_error_get_carried_trace (const GError *error)
{
  return get_carried (error)->trace;
}

/* Sets the trace, and takes a reference to it. The domain of error must be FERRY_ERROR. */
void
ferry_error_set_carried_trace (GError *error, GRefString *trace)
{
  g_ref_string_acquire (trace);
  g_clear_pointer (&get_carried (error)->trace, g_ref_string_release);
  get_carried (error)->trace = trace;
}

void
ferry_error_set_cause (GError *error, const FerryErrorCause *cause)
{
  set_cause (get_carried (error), cause);
}

const FerryErrorCause *
ferry_error_get_cause (const GError *error)
{
  return error->domain == FERRY_ERROR ? &get_carried (error)->cause : &no_cause;
}

/* A message may name a file or a program whose name is no UTF-8, which a window and a language binding need. */
static GError *
make_valid (GError *error)
{
  if (!g_utf8_validate (error->message, -1, NULL))
    {
      char *valid = g_utf8_make_valid (error->message, -1);

      g_free (error->message);
      error->message = valid;
    }
  return error;
}

gboolean
ferry_set_error (GError **error, FerryError code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    g_propagate_error (error, make_valid (g_error_new_valist (FERRY_ERROR, code, format, arguments)));
  va_end (arguments);
  return FALSE;
}

gboolean
ferry_error_mark_shortage (GError **error)
{
  if (error != NULL)
    get_carried (*error)->is_shortage = TRUE;
  return FALSE;
}

gboolean
ferry_error_is_shortage (const GError *error)
{
  return error->domain == FERRY_ERROR && get_carried (error)->is_shortage;
}

/* Sets FERRY_ERROR_SYSTEM: what names the failed system call, and errno gives the cause. Returns FALSE. Keeps errno. */
gboolean
ferry_set_system_error (GError **error, const char *what)
{
  int saved_errno = errno;
  const char *remedy = ferry_is_refused (saved_errno) ? FERRY_REFUSED_REMEDY : "";

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM, "%s failed: %s%s", what, g_strerror (saved_errno), remedy);
  if (ferry_is_shortage (saved_errno))
    ferry_error_mark_shortage (error);
  errno = saved_errno;
  return FALSE;
}

/* Sets FERRY_ERROR_SYSTEM for a thread that g_thread_try_new() could not start. purpose: what the thread is for.
 * failure: (transfer full). Returns FALSE. */
gboolean
ferry_set_thread_error (GError **error, const char *purpose, GError *failure)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
               "A thread for %s could not be started: %s; end other threads, or raise the limits", purpose,
               failure->message);
  g_error_free (failure);
  return ferry_error_mark_shortage (error);
}

/* Whether errno may mean that a filter of system calls, such as a container's, refuses the call as a whole. */
gboolean
ferry_is_refused (int error_number)
{
  return error_number == EPERM || error_number == ENOSYS;
}

static const int shortages[] = {
  EAGAIN,       /* the limit of processes and threads, of the user or of a control group */
  ENOMEM,       /* no memory */
  EMFILE,       /* the limit of descriptors of this process */
  ENFILE,       /* the limit of open files of the system */
  ENOBUFS,      /* no room in a socket */
  ETOOMANYREFS, /* the limit of descriptors that are on their way, of the user */
  ENOSPC,       /* the limit of epoll watches, or no room in a file system */
  ETXTBSY,      /* the program file is being written */
};

/* Whether errno means a temporary shortage of a resource: the same system call may succeed later. */
gboolean
ferry_is_shortage (int error_number)
{
  for (guint i = 0; i < G_N_ELEMENTS (shortages); i++)
    if (shortages[i] == error_number)
      return TRUE;
  return FALSE;
}
