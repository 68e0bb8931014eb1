/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What every layer shares: times, locks, reference counts, bytes, descriptors that close themselves, and what marks a
 * function for sibling libraries. */

#pragma once

#include <errno.h>
#include <glib-object.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ferry-error.h"

G_BEGIN_DECLS

/* What private functions carry that a sibling library of the same version calls, such as that of the cluster: the
 * shared library exports them. No installed header declares them, and they change with any version. */
#define FERRY_FOR_SIBLINGS __attribute__ ((visibility ("default")))

#define FERRY_MICROSECONDS_PER_MILLISECOND 1000

/* A part of a message. The parts are written one after the other. */
typedef struct
{
  gconstpointer data;
  gsize size;
} FerryPart;

/* Sets an error of the domain FERRY_ERROR. Returns FALSE. */
FERRY_FOR_SIBLINGS
gboolean ferry_set_error (GError **error, FerryError code, const char *format, ...) G_GNUC_PRINTF (3, 4);
FERRY_FOR_SIBLINGS
gboolean ferry_set_system_error (GError **error, const char *what);
FERRY_FOR_SIBLINGS
gboolean ferry_set_thread_error (GError **error, const char *purpose, GError *failure);
gboolean ferry_is_shortage (int error_number);
/* Marks an error of the domain FERRY_ERROR as a shortage. Returns FALSE. */
gboolean ferry_error_mark_shortage (GError **error);
/* Whether the error comes from a call that the system had too little of something for, so that it may succeed later. */
gboolean ferry_error_is_shortage (const GError *error);
gboolean ferry_is_refused (int error_number);
/* What follows in an error message for which ferry_is_refused() is true, behind the name of the call and the reason. */
#define FERRY_REFUSED_REMEDY "; where a container or a sandbox filters system calls, allow this one in its filter"
/* Whether n descriptors, at most 8, can be opened now. Fails with FERRY_ERROR_SYSTEM. GLib ends the program when it
 * gets no descriptor for a main context, or for a cancellable that a thread waits for. So callers check before they
 * make one of these. Other threads may still use up the descriptors between the check and the use. */
gboolean ferry_check_free_fds (guint n, GError **error);
/* The same for n threads, at most 3. GLib ends the program where it gets no thread. purpose: as for
 * ferry_thread_try_new(). */
gboolean ferry_check_free_threads (guint n, const char *purpose, GError **error);
/* As writev(). Of a pipe that nobody reads, and of a file that is as large as this process may make one, there is only
 * the error: EPIPE or EFBIG, and no signal, which the application may not ignore. */
gssize ferry_write_without_signal (int fd, const struct iovec *parts, int n_parts);
/* Returns the machine's memory in bytes, or the limit of this process's control group where that is lower. */
guint64 ferry_get_usable_memory (void);
/* Returns (transfer full) a value as a message shows it: what g_variant_print() returns, cut where it is long. */
char *ferry_show_value (GVariant *value);
/* The same for the arguments (nullable) of a call, in brackets. */
FERRY_FOR_SIBLINGS
char *ferry_show_arguments (GVariant *arguments);
/* Returns (transfer full) what a task says that waits for a time of the wall clock: "Waits until 22:00:00". purpose:
 * what follows the time, such as " to be tried again". No calendar has years beyond 9999, and nobody waits for them. */
FERRY_FOR_SIBLINGS
char *ferry_describe_wait (gint64 time, const char *purpose);

/* Gets and sets the trace that an error of the domain FERRY_ERROR carries. Errors of other domains:
 * wire/ferry-remote-error-private.h. */
GRefString *ferry_error_get_carried_trace (const GError *error);
void ferry_error_set_carried_trace (GError *error, GRefString *trace);

/* What an error of the domain FERRY_ERROR carries for who says it to users. All zero: nothing is known. */
typedef struct
{
  int signal;             /* that ended the process which did the work; 0: none did */
  gint64 limit;           /* the time that the work had, and that was over, in microseconds; 0: it was not over */
  const char *files;      /* (nullable): the files that may be incomplete now */
  gboolean is_for_people; /* the message is */
  gboolean lacked_memory; /* the process ended for want of memory */
} FerryErrorCause;

/* The domain of error must be FERRY_ERROR. Copies the cause. */
void ferry_error_set_cause (GError *error, const FerryErrorCause *cause);
/* Returns (transfer none) the cause; of another domain, that nothing is known. */
FERRY_FOR_SIBLINGS
const FerryErrorCause *ferry_error_get_cause (const GError *error);

/* Logs a mistake of the program. A test expects the message with g_test_expect_message(), as it does for those of
 * g_return_if_fail(). */
#define ferry_critical(...) g_log (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, __VA_ARGS__)

/* Works as g_return_if_fail(), but logs a text of its own: the expression would name the library's internals, not
 * the program's mistake. For public functions. The text begins with the function's name and says what is wrong and
 * what to do. */
#define ferry_return_if_fail(expression, format, ...)                                                                  \
  ferry_return_val_if_fail (expression, /* nothing */, format, ##__VA_ARGS__)
#define ferry_return_val_if_fail(expression, value, format, ...)                                                       \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (G_UNLIKELY (!(expression)))                                                                                    \
      {                                                                                                                \
        ferry_critical ("%s(): " format, G_STRFUNC, ##__VA_ARGS__);                                                    \
        return value;                                                                                                  \
      }                                                                                                                \
  }                                                                                                                    \
  G_STMT_END

/* For a function that sinks a floating value but only borrows any other value. Returns (transfer full) (nullable):
 * value if it was floating, which the function must unref at its end; NULL for any other value. */
static inline GVariant *
ferry_variant_take_floating (GVariant *value)
{
  return value != NULL && g_variant_is_floating (value) ? g_variant_ref_sink (value) : NULL;
}

/* Reads a number of digits alone, to the base of 10 or 16. g_ascii_string_to_unsigned() may refuse a good one: where
 * two threads ask GLib for the first number of the process at once, it takes what one leaves in errno that has waited
 * for the other for a fault. */
static inline gboolean
ferry_parse_number (const char *text, guint base, guint64 least, guint64 most, guint64 *number)
{
  char *end = NULL;

  if (base == 10 ? !g_ascii_isdigit (text[0]) : !g_ascii_isxdigit (text[0]) || g_ascii_tolower (text[1]) == 'x')
    return FALSE;
  errno = 0;
  *number = g_ascii_strtoull (text, &end, base);
  return errno != ERANGE && *end == '\0' && *number >= least && *number <= most;
}

/* Adds microseconds to a monotonic time, or to one before all others. Saturates at G_MAXINT64. */
static inline gint64
ferry_time_add (gint64 time, gint64 microseconds)
{
  return time > 0 && microseconds > G_MAXINT64 - time ? G_MAXINT64 : time + microseconds;
}

/* Convert between times of the monotonic clock of this run of the machine, which are above 0, and those of the wall
 * clock. G_MAXINT64 stays what it is: never. */
static inline gint64
ferry_time_to_wall_clock (gint64 monotonic)
{
  return ferry_time_add (g_get_real_time (), monotonic - g_get_monotonic_time ());
}

static inline gint64
ferry_time_to_monotonic (gint64 wall_clock)
{
  gint64 left = wall_clock - g_get_real_time ();

  return wall_clock == G_MAXINT64 ? wall_clock : MAX (left + g_get_monotonic_time (), 1);
}

/* The deadline of a wait in a lane without a limit. 0: the wait is over at once. */
#define FERRY_NO_DEADLINE ((gint64) -1)

/* Returns the monotonic time at which a timeout that starts now is over. A negative timeout means never: G_MAXINT64. */
static inline gint64
ferry_deadline_after (gint64 timeout)
{
  return timeout < 0 ? G_MAXINT64 : ferry_time_add (g_get_monotonic_time (), timeout);
}

/* Converts a request's deadline, where 0 means none, to a completion's deadline, where G_MAXINT64 means none. */
static inline gint64
ferry_deadline_or_never (gint64 deadline)
{
  return deadline > 0 ? deadline : G_MAXINT64;
}

/* In microseconds; goes on while the machine sleeps, unlike the monotonic time. */
static inline gint64
ferry_time_since_boot (void)
{
  struct timespec time;

  clock_gettime (CLOCK_BOOTTIME, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/* Whether the caller is called by a source of the context. Such a caller must not wait for the context's sources:
 * GLib does not dispatch a source again while the source is being dispatched. */
static inline gboolean
ferry_is_in_callback_of (GMainContext *context)
{
  GSource *source = g_main_current_source ();

  return source != NULL && g_source_get_context (source) == context;
}

/* Returns the number of bytes from size to the next multiple of 8. */
static inline gsize
ferry_padding_of (gsize size)
{
  return -size & 7;
}

/* Read and write numbers in bytes that are sent or stored: little-endian, at any alignment. */
static inline guint32
ferry_read_u32 (const guint8 *data)
{
  guint32 number;

  memcpy (&number, data, sizeof number);
  return GUINT32_FROM_LE (number);
}

static inline void
ferry_write_u32 (guint8 *data, guint32 number)
{
  number = GUINT32_TO_LE (number);
  memcpy (data, &number, sizeof number);
}

static inline void
ferry_clear_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static inline int
ferry_steal_fd (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

#define ferry_autofd __attribute__ ((cleanup (ferry_clear_fd))) int

static inline pthread_mutex_t *
ferry_lock (pthread_mutex_t *lock)
{
  pthread_mutex_lock (lock);
  return lock;
}

static inline void
ferry_unlock (pthread_mutex_t **lock)
{
  pthread_mutex_unlock (*lock);
}

/* Holds the lock until the end of the block. The cleanup of a variable that is declared before this line runs
 * without the lock. */
#define FERRY_AUTO_LOCK(lock)                                                                                          \
  __attribute__ ((cleanup (ferry_unlock), unused)) pthread_mutex_t *G_PASTE (ferry_locked_, __LINE__) =                \
    ferry_lock (lock)

/* Adds a reference to an object. The caller must hold a reference already. */
static inline void
ferry_ref_count_inc (_Atomic gint *references)
{
  /* Relaxed: the caller's own reference keeps the object alive. */
  atomic_fetch_add_explicit (references, 1, memory_order_relaxed);
}

/* Drops a reference. Returns whether it was the last one. */
static inline gboolean
ferry_ref_count_dec (_Atomic gint *references)
{
  /* Release: publishes what this thread did with the object. Acquire: the thread that frees the object sees what
   * other threads did with it. */
  return atomic_fetch_sub_explicit (references, 1, memory_order_acq_rel) == 1;
}

/* Works as ferry_ref_count_dec(), for a count that a thread increases only while it has a reference itself. The last
 * reference costs no atomic change then: a thread that finds a count of 1 has that reference. */
static inline gboolean
ferry_ref_count_dec_own (_Atomic gint *references)
{
  /* Acquire: as in ferry_ref_count_dec(). */
  return atomic_load_explicit (references, memory_order_acquire) == 1 || ferry_ref_count_dec (references);
}

/* ThreadSanitizer knows pthread calls and C11 atomics, but not the futexes inside GLib's queue and locks. Where a
 * structure passes from one thread to another through GLib, the giving thread calls ferry_hand_over() and the
 * receiving thread ferry_take_over(). In a build without ThreadSanitizer both do nothing. */
#if defined(__SANITIZE_THREAD__)
#define FERRY_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FERRY_THREAD_SANITIZER 1
#endif
#endif

#ifdef FERRY_THREAD_SANITIZER
void __tsan_acquire (void *address);
void __tsan_release (void *address);
#define ferry_hand_over(pointer) __tsan_release (pointer)
#define ferry_take_over(pointer) __tsan_acquire (pointer)
#else
#define ferry_hand_over(pointer) ((void) (pointer))
#define ferry_take_over(pointer) ((void) (pointer))
#endif

/* For frequent debug messages. g_debug() formats its text before it checks whether the message is wanted, which
 * takes a microsecond; this macro checks first. */
#define ferry_debug_often(...)                                                                                         \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN))                                            \
      g_debug (__VA_ARGS__);                                                                                           \
  }                                                                                                                    \
  G_STMT_END

/* Destroys and drops a source (owned) (nullable), and sets it to NULL. */
static inline void
ferry_clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

/* Returns (transfer full) a weak reference, for a callback's data; ferry_weak_ref_free() is its GDestroyNotify. */
static inline GWeakRef *
ferry_weak_ref_new (gpointer object)
{
  GWeakRef *self = g_new (GWeakRef, 1);

  g_weak_ref_init (self, object);
  return self;
}

static inline void
ferry_weak_ref_free (gpointer self)
{
  g_weak_ref_clear ((GWeakRef *) self);
  g_free (self);
}

G_END_DECLS
