/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* _ferry: what the package `ferry` does for each call, in C.
 *
 * In a worker it is the way to the library: a worker that has no use for PyGObject does not import it, which would take
 * most of its start and of its memory.
 *
 * In the application the interpreter's lock is what costs: where the thread of the main loop needs it for each end of a
 * task, it takes it from the thread that submits, and waits for it. So the main loop says the end of a task to an Event
 * here, without the lock, unless a callback of Python is to be called.
 *
 * Threads: functions of Python are called with the interpreter's lock. tell_end() and what it calls are of any thread,
 * without it. No lock of an Event is held while the interpreter's is waited for. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000

#include <Python.h>
#include <pygobject.h>

#include <errno.h>
#include <ferry.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "process/ferry-crash-private.h"

#define VERSION                                                                                                        \
  G_STRINGIFY (FERRY_MAJOR_VERSION) "." G_STRINGIFY (FERRY_MINOR_VERSION) "." G_STRINGIFY (FERRY_MICRO_VERSION)

/* The domain of errors that are exceptions of a worker's code. */
#define PYTHON_ERROR "ferry-python-error-quark"

/* How long a task that is done is kept, at most, so that it is let go by a thread that has the interpreter's lock. */
#define KEEP_TIME 50

/* Returns FALSE with an exception where there is no PyGObject. The program's own thread that comes first imports it. */
static gboolean
import_pygobject (void)
{
  return _PyGObject_API != NULL || pygobject_init (3, 42, 0) != NULL;
}

/* ---- Event ----
 * Something that happens once. Threads wait for it, and callbacks are called. */

typedef struct _Waiter Waiter;
struct _Waiter
{
  sem_t came;
  Waiter *next;
};

/* What a task has of an Event, without the interpreter's lock. Reference counted, atomically. */
typedef struct
{
  GMutex lock;
  atomic_bool is_set;   /* written with the lock */
  Waiter *waiters;      /* (nullable), with the lock: on the stacks of their threads */
  GPtrArray *callbacks; /* (nullable), with both locks: of references to functions of Python */
  GPtrArray *followers; /* (nullable), with the lock: (element-type Happening): those that happen with this one */
} Happening;

typedef struct
{
  PyObject base;
  Happening *happening; /* const: (owned) */
} Event;

static void
happening_clear (gpointer data)
{
  Happening *self = data;

  g_clear_pointer (&self->followers, g_ptr_array_unref);
  g_mutex_clear (&self->lock);
}

static void
happening_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, happening_clear);
}

/* With the lock. */
static void
wake_waiters (Happening *self)
{
  while (self->waiters != NULL)
    {
      Waiter *waiter = self->waiters;

      self->waiters = waiter->next;
      sem_post (&waiter->came);
    }
}

static void set_and_call (Happening *self);

static void set_any (Happening *self);

/* any, also without the interpreter's lock: sets it, if nothing of Python is to be called. Returns whether it is set.
 */
static gboolean
set_quietly (Happening *self)
{
  g_autoptr (GPtrArray) followers = NULL;
  gboolean is_quiet;

  g_mutex_lock (&self->lock);
  is_quiet = self->callbacks == NULL;
  if (is_quiet)
    {
      /* Release: who sees it set sees what was written before. */
      atomic_store_explicit (&self->is_set, true, memory_order_release);
      wake_waiters (self);
      followers = g_steal_pointer (&self->followers);
    }
  g_mutex_unlock (&self->lock);
  for (guint i = 0; followers != NULL && i < followers->len; i++)
    set_any (followers->pdata[i]);
  return is_quiet;
}

/* any, also without the interpreter's lock, which is taken where something of Python is to be called */
static void
set_any (Happening *self)
{
  PyGILState_STATE state;

  if (set_quietly (self))
    return;
  state = PyGILState_Ensure ();
  set_and_call (self);
  PyGILState_Release (state);
}

/* What a callback raises is no business of the others, nor of the main loop. */
static void
show_exception (void)
{
  PyObject *type, *value, *trace;
  PyObject *hook = PySys_GetObject ("excepthook");
  PyObject *shown;

  /* It may replace itself while it is called. */
  Py_XINCREF (hook);
  PyErr_Fetch (&type, &value, &trace);
  PyErr_NormalizeException (&type, &value, &trace);
  if (trace != NULL)
    PyException_SetTraceback (value, trace);
  shown = hook == NULL ? NULL : PyObject_CallFunctionObjArgs (hook, type, value, trace != NULL ? trace : Py_None, NULL);
  if (shown == NULL)
    PyErr_WriteUnraisable (hook);
  Py_XDECREF (hook);
  Py_XDECREF (shown);
  Py_XDECREF (type);
  Py_XDECREF (value);
  Py_XDECREF (trace);
}

/* With the interpreter's lock. */
static void
set_and_call (Happening *self)
{
  g_autoptr (GPtrArray) followers = NULL;
  GPtrArray *callbacks;

  g_mutex_lock (&self->lock);
  callbacks = g_steal_pointer (&self->callbacks);
  followers = g_steal_pointer (&self->followers);
  atomic_store_explicit (&self->is_set, true, memory_order_release);
  wake_waiters (self);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; followers != NULL && i < followers->len; i++)
    set_any (followers->pdata[i]);
  if (callbacks == NULL)
    return;
  for (guint i = 0; i < callbacks->len; i++)
    {
      PyObject *result = PyObject_CallNoArgs (callbacks->pdata[i]);

      if (result == NULL)
        show_exception ();
      Py_XDECREF (result);
    }
  g_ptr_array_unref (callbacks);
}

static void
drop_object (gpointer object)
{
  Py_DECREF ((PyObject *) object);
}

static PyTypeObject *event_type;

static PyObject *
event_new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
  allocfunc allocate = (allocfunc) PyType_GetSlot (type, Py_tp_alloc);
  Event *self = (Event *) allocate (type, 0);

  if (self != NULL)
    {
      self->happening = g_atomic_rc_box_new0 (Happening);
      g_mutex_init (&self->happening->lock);
    }
  return (PyObject *) self;
}

static int
event_traverse (PyObject *object, visitproc visit, void *arg)
{
  Event *self = (Event *) object;

  Py_VISIT (Py_TYPE (object));
  /* A thread that sets the event without the interpreter's lock finds callbacks here, and leaves them alone. */
  for (guint i = 0; self->happening->callbacks != NULL && i < self->happening->callbacks->len; i++)
    Py_VISIT ((PyObject *) self->happening->callbacks->pdata[i]);
  return 0;
}

static int
event_clear (PyObject *object)
{
  Event *self = (Event *) object;
  GPtrArray *callbacks;

  g_mutex_lock (&self->happening->lock);
  callbacks = g_steal_pointer (&self->happening->callbacks);
  g_mutex_unlock (&self->happening->lock);
  g_clear_pointer (&callbacks, g_ptr_array_unref);
  return 0;
}

static void
event_dealloc (PyObject *object)
{
  Event *self = (Event *) object;
  PyTypeObject *type = Py_TYPE (object);
  freefunc release = (freefunc) PyType_GetSlot (type, Py_tp_free);

  PyObject_GC_UnTrack (object);
  event_clear (object);
  happening_unref (self->happening);
  release (object);
  Py_DECREF (type);
}

static PyObject *
event_is_set (PyObject *object, PyObject *unused)
{
  /* Acquire: pairs with set_quietly(). */
  return PyBool_FromLong (atomic_load_explicit (&((Event *) object)->happening->is_set, memory_order_acquire));
}

static PyObject *
event_set (PyObject *object, PyObject *unused)
{
  set_and_call (((Event *) object)->happening);
  Py_RETURN_NONE;
}

static PyObject *
event_add_callback (PyObject *object, PyObject *callback)
{
  Happening *self = ((Event *) object)->happening;
  gboolean is_set;

  g_mutex_lock (&self->lock);
  is_set = atomic_load_explicit (&self->is_set, memory_order_relaxed);
  if (!is_set)
    {
      if (self->callbacks == NULL)
        self->callbacks = g_ptr_array_new_with_free_func (drop_object);
      Py_INCREF (callback);
      g_ptr_array_add (self->callbacks, callback);
    }
  g_mutex_unlock (&self->lock);
  if (is_set)
    return PyObject_CallNoArgs (callback);
  Py_RETURN_NONE;
}

/* clear(): it has not happened yet. What waits or follows since then does so for the next time. */
static PyObject *
event_clear_set (PyObject *object, PyObject *unused)
{
  Happening *self = ((Event *) object)->happening;

  g_mutex_lock (&self->lock);
  atomic_store_explicit (&self->is_set, false, memory_order_relaxed);
  g_mutex_unlock (&self->lock);
  Py_RETURN_NONE;
}

/* tell(other): another event happens when this one does, or now, on the same thread. */
static PyObject *
event_tell (PyObject *object, PyObject *other)
{
  Happening *self = ((Event *) object)->happening;
  Happening *follower;
  gboolean is_set;

  if (!PyObject_TypeCheck (other, event_type))
    {
      PyErr_SetString (PyExc_TypeError, "An event tells an event");
      return NULL;
    }
  follower = ((Event *) other)->happening;
  g_mutex_lock (&self->lock);
  is_set = atomic_load_explicit (&self->is_set, memory_order_relaxed);
  if (!is_set)
    {
      if (self->followers == NULL)
        self->followers = g_ptr_array_new_with_free_func (happening_unref);
      g_ptr_array_add (self->followers, g_atomic_rc_box_acquire (follower));
    }
  g_mutex_unlock (&self->lock);
  if (is_set)
    set_and_call (follower);
  Py_RETURN_NONE;
}

/* With the lock: takes back a waiter that is still there, and returns whether it was. */
static gboolean
take_back (Happening *self, Waiter *waiter)
{
  for (Waiter **place = &self->waiters; *place != NULL; place = &(*place)->next)
    if (*place == waiter)
      {
        *place = waiter->next;
        return TRUE;
      }
  return FALSE;
}

/* Returns FALSE with an exception of Python if a signal handler has raised one. */
static gboolean
block (Waiter *waiter, const struct timespec *end)
{
  for (;;)
    {
      int error = 0;

      Py_BEGIN_ALLOW_THREADS if ((end != NULL ? sem_clockwait (&waiter->came, CLOCK_MONOTONIC, end)
                                              : sem_wait (&waiter->came)) != 0) error = errno;
      Py_END_ALLOW_THREADS if (error != EINTR) return TRUE;
      if (PyErr_CheckSignals () < 0)
        return FALSE;
    }
}

/* block(seconds): waits for at most so many seconds, or without end below 0. Returns whether it is set. */
static PyObject *
event_block (PyObject *object, PyObject *argument)
{
  Happening *self = ((Event *) object)->happening;
  const double seconds = PyFloat_AsDouble (argument);
  struct timespec end;
  gint64 length;
  Waiter waiter;
  gboolean goes_on = TRUE, is_set;

  if (PyErr_Occurred ())
    return NULL;
  clock_gettime (CLOCK_MONOTONIC, &end);
  /* What is no number is none that is waited for. */
  length = (gint64) ((seconds > 0 ? MIN (seconds, G_MAXINT32) : 0) * 1e9) + end.tv_nsec;
  end.tv_sec += (time_t) (length / 1000000000);
  end.tv_nsec = (long) (length % 1000000000);
  sem_init (&waiter.came, 0, 0);
  g_mutex_lock (&self->lock);
  is_set = atomic_load_explicit (&self->is_set, memory_order_relaxed);
  if (!is_set)
    {
      waiter.next = self->waiters;
      self->waiters = &waiter;
    }
  g_mutex_unlock (&self->lock);
  if (!is_set)
    {
      /* The event keeps its place, which a thread that sets it may hold, until the waiter is taken back. */
      goes_on = block (&waiter, seconds < 0 ? NULL : &end);
      g_mutex_lock (&self->lock);
      /* What has happened, and was cleared since, has happened for this waiter. */
      is_set = !take_back (self, &waiter) || atomic_load_explicit (&self->is_set, memory_order_relaxed);
      g_mutex_unlock (&self->lock);
    }
  sem_destroy (&waiter.came);
  return goes_on ? PyBool_FromLong (is_set) : NULL;
}

static PyMethodDef event_methods[] = {
  {"is_set", event_is_set, METH_NOARGS, NULL},
  {"set", event_set, METH_NOARGS, NULL},
  {"add_callback", event_add_callback, METH_O, NULL},
  {"block", event_block, METH_O, NULL},
  {"clear", event_clear_set, METH_NOARGS, NULL},
  {"tell", event_tell, METH_O, NULL},
  {NULL},
};

static PyType_Slot event_slots[] = {
  {Py_tp_new, event_new},         {Py_tp_traverse, event_traverse}, {Py_tp_clear, event_clear},
  {Py_tp_dealloc, event_dealloc}, {Py_tp_methods, event_methods},   {0},
};

static PyType_Spec event_spec = {
  .name = "_ferry.Event",
  .basicsize = sizeof (Event),
  .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
  .slots = event_slots,
};

/* ---- tasks ---- */

/* Returns a floating value with a copy of the bytes. */
static GVariant *
variant_of_bytes (const char *bytes, Py_ssize_t size)
{
  gpointer copy = g_memdup2 (bytes, (gsize) size);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, copy, (gsize) size, TRUE, g_free, copy);
}

static PyObject *
bytes_of_variant (GVariant *value)
{
  return PyBytes_FromStringAndSize (g_variant_get_data (value), (Py_ssize_t) g_variant_get_size (value));
}

/* What a task has that tells an Event of its end. A reference to a task that is submitted, which keeps that of the
 * wrapper from being the last one until a thread with the interpreter's lock lets go: PyGObject wants to know of it. */
typedef struct _Followed Followed;
struct _Followed
{
  Happening *happening; /* const: (owned) */
  FerryTask *task;      /* (owned) (nullable) */
  Followed *next;
};

/* Those that are done, and kept. Threads push, and take all at once. */
static Followed *_Atomic done;
/* Whether a timer of this thread will let them go. */
static _Thread_local gboolean is_timed;

static GQuark followed_quark;

static void
followed_free (gpointer data)
{
  Followed *self = data;

  happening_unref (self->happening);
  g_free (self);
}

/* With the interpreter's lock. */
static void
let_go (void)
{
  /* Acquire: pairs with keep_until_let_go(). */
  Followed *followed = atomic_exchange_explicit (&done, NULL, memory_order_acquire);

  while (followed != NULL)
    {
      Followed *next = followed->next;

      g_object_unref (followed->task);
      followed_free (followed);
      followed = next;
    }
}

static gboolean
let_go_later (gpointer unused)
{
  PyGILState_STATE state;

  is_timed = FALSE;
  if (atomic_load_explicit (&done, memory_order_relaxed) == NULL)
    return G_SOURCE_REMOVE;
  state = PyGILState_Ensure ();
  let_go ();
  PyGILState_Release (state);
  return G_SOURCE_REMOVE;
}

static void
keep_until_let_go (Followed *followed)
{
  Followed *first = atomic_load_explicit (&done, memory_order_relaxed);

  do
    followed->next = first;
  /* Release: pairs with let_go(). */
  while (!atomic_compare_exchange_weak_explicit (&done, &first, followed, memory_order_release, memory_order_relaxed));
  if (!is_timed)
    {
      GSource *timer = g_timeout_source_new (KEEP_TIME);

      is_timed = TRUE;
      g_source_set_callback (timer, let_go_later, NULL, NULL);
      g_source_attach (timer, g_main_context_get_thread_default ());
      g_source_unref (timer);
    }
}

/* FerryTaskClass.done */
static void
tell_end (FerryTask *task)
{
  Followed *followed = g_object_get_qdata (G_OBJECT (task), followed_quark);
  Happening *happening;

  if (followed == NULL)
    return;
  happening = g_atomic_rc_box_acquire (followed->happening);
  /* Before the event: who has waited for it, and takes the result, lets go of the task as well. */
  if (followed->task != NULL)
    {
      g_object_steal_qdata (G_OBJECT (task), followed_quark);
      keep_until_let_go (followed);
    }
  set_any (happening);
  happening_unref (happening);
}

/* Returns (transfer none) the object of a wrapper of PyGObject, or NULL with an exception. */
static gpointer
get_object (PyObject *wrapper)
{
  PyObject *capsule = PyObject_GetAttrString (wrapper, "__gpointer__");
  gpointer object = capsule != NULL ? PyCapsule_GetPointer (capsule, NULL) : NULL;

  Py_XDECREF (capsule);
  return object;
}

/* Returns the GType of a class of tasks, or 0 with an exception. */
static GType
get_type (PyObject *class)
{
  PyObject *name = PyObject_GetAttrString (class, "__gtype_name__");
  const char *text = name != NULL ? PyUnicode_AsUTF8AndSize (name, NULL) : NULL;
  GType type = text != NULL ? g_type_from_name (text) : 0;

  Py_XDECREF (name);
  if (!PyErr_Occurred () && !g_type_is_a (type, FERRY_TYPE_TASK))
    PyErr_SetString (PyExc_TypeError, "It is no class of tasks");
  return PyErr_Occurred () ? 0 : type;
}

/* follow(class): the tasks of a class, and of those that are derived from it later, tell their events of the end. */
static PyObject *
follow (PyObject *module, PyObject *class)
{
  const GType type = get_type (class);

  if (type == 0)
    return NULL;
  /* The class stays. */
  FERRY_TASK_CLASS (g_type_class_ref (type))->done = tell_end;
  Py_RETURN_NONE;
}

/* bind(task, event): which event a task tells of its end. */
static PyObject *
bind (PyObject *module, PyObject *args)
{
  PyObject *wrapper;
  Event *event;
  gpointer task;
  Followed *followed;

  if (!PyArg_ParseTuple (args, "OO!", &wrapper, event_type, &event) || (task = get_object (wrapper)) == NULL)
    return NULL;
  followed = g_new0 (Followed, 1);
  followed->happening = g_atomic_rc_box_acquire (event->happening);
  g_object_set_qdata_full (task, followed_quark, followed, followed_free);
  Py_RETURN_NONE;
}

/* Returns a floating value with copies of the bytes of a tuple, one after the other, or NULL with an exception. A part
 * is what the program has pickled, so it may be a bytearray. */
static GVariant *
variant_of_parts (PyObject *parts)
{
  const Py_ssize_t n = PyTuple_Size (parts);
  g_autofree Py_buffer *views = g_new (Py_buffer, MAX (n, 1));
  Py_ssize_t n_views = 0;
  gsize size = 0;
  char *all, *end;

  while (n_views < n && PyObject_GetBuffer (PyTuple_GetItem (parts, n_views), &views[n_views], PyBUF_SIMPLE) == 0)
    size += (gsize) views[n_views++].len;
  all = g_malloc (MAX (size, 1));
  end = all;
  for (Py_ssize_t i = 0; i < n_views; i++)
    {
      memcpy (end, views[i].buf, (gsize) views[i].len);
      end += views[i].len;
      PyBuffer_Release (&views[i]);
    }
  if (n_views == n)
    return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, all, size, TRUE, g_free, all);
  g_free (all);
  return NULL;
}

/* What errors, traces and the inspector call the function: that of Python, and not the worker program's own. The
 * library knows the data by this name. */
static void
set_shown_function (gpointer task, const char *name)
{
  g_object_set_data_full (task, "ferry-shown-function", g_strdup (name), g_free);
}

/* show(task, name) */
static PyObject *
show (PyObject *module, PyObject *args)
{
  PyObject *wrapper;
  const char *name;
  gpointer task;

  if (!PyArg_ParseTuple (args, "Os", &wrapper, &name) || (task = get_object (wrapper)) == NULL)
    return NULL;
  set_shown_function (task, name);
  Py_RETURN_NONE;
}

/* make(class, function, name, parts, descriptors): a task of a class whose initialiser takes nothing. Its arguments are
 * the bytes of all parts. It takes back so many descriptors. */
static PyObject *
make (PyObject *module, PyObject *args)
{
  PyObject *class, *wrapper, *parts;
  const char *function, *name;
  unsigned int descriptors;
  GType type;
  GVariant *arguments;
  gpointer task;

  if (!PyArg_ParseTuple (args, "OssO!I", &class, &function, &name, &PyTuple_Type, &parts, &descriptors) ||
      (type = get_type (class)) == 0 || (arguments = variant_of_parts (parts)) == NULL)
    return NULL;
  task = g_object_new (type, "kind", FERRY_TASK_KIND_CALL, "function", function, "name", name, "arguments", arguments,
                       "max-returned-descriptors", descriptors, NULL);
  set_shown_function (task, name);
  wrapper = import_pygobject () ? pygobject_new (task) : NULL;
  g_object_unref (task);
  return wrapper;
}

/* submit(executor, task, keeps): returns what is wrong, if it cannot be submitted. keeps: the home is a thread that
 * needs the interpreter's lock for nothing else. */
static PyObject *
submit (PyObject *module, PyObject *args)
{
  PyObject *executor_wrapper, *task_wrapper;
  gpointer executor, task;
  int keeps;
  Followed *followed;
  GError *error = NULL;
  PyObject *message;

  let_go ();
  if (!PyArg_ParseTuple (args, "OOp", &executor_wrapper, &task_wrapper, &keeps) ||
      (executor = get_object (executor_wrapper)) == NULL || (task = get_object (task_wrapper)) == NULL)
    return NULL;
  followed = g_object_get_qdata (task, followed_quark);
  /* A class that has its own function for the end takes the interpreter's lock there anyway. */
  if (keeps && followed != NULL && followed->task == NULL && FERRY_TASK_GET_CLASS (task)->done == tell_end)
    followed->task = g_object_ref (task);
  else
    followed = NULL;
  /* It may call handlers of Python, and wait for another thread that does. */
  Py_BEGIN_ALLOW_THREADS ferry_executor_submit_task (executor, task, &error);
  Py_END_ALLOW_THREADS if (error == NULL) Py_RETURN_NONE;
  if (followed != NULL)
    g_object_unref (g_steal_pointer (&followed->task));
  message = PyUnicode_FromString (error->message);
  g_error_free (error);
  return message;
}

/* take(task): the bytes of the result, or None where there are none. */
static PyObject *
take (PyObject *module, PyObject *wrapper)
{
  gpointer task = get_object (wrapper);
  GVariant *value;
  PyObject *bytes;

  if (task == NULL)
    return NULL;
  let_go ();
  value = ferry_task_get_result (task, NULL);
  if (value == NULL)
    Py_RETURN_NONE;
  bytes = bytes_of_variant (value);
  g_variant_unref (value);
  return bytes;
}

/* ---- in a worker ---- */

/* A function that takes long is watched for a cancel, which then interrupts it by a signal. To watch each of many short
 * ones would cost more than they do: the thread that hears of cancels wakes for each message. */
static struct
{
  GMutex lock;
  GCond cond;
  GThread *thread;           /* (nullable), with the lock, as all below */
  FerryJob *job;             /* (owned) (nullable): whose function runs */
  guint64 number;            /* of that job */
  GCancellable *cancellable; /* (owned) (nullable): of that job, if it is watched */
  gulong handler;            /* of the cancellable */
  gboolean sleeps;           /* the thread waits without end */
  pthread_t main;            /* which calls functions */
  int interrupt;             /* the signal for it */
} watch;

/* How long a function takes that is watched, in microseconds. */
#define SHORT_TIME 2000
/* How many times so long the thread waits for another function. */
#define IDLE_TURNS 50

/* Where the function's own thread hears of the cancel, the call of the library that has heard of it fails. */
static void
interrupt_function (GCancellable *cancellable, gpointer unused)
{
  if (!pthread_equal (pthread_self (), watch.main))
    pthread_kill (watch.main, watch.interrupt);
}

/* With the lock, which it drops meanwhile. */
static void
watch_job (void)
{
  FerryJob *job = g_object_ref (watch.job);
  const guint64 number = watch.number;
  GCancellable *cancellable;
  gulong handler;

  g_mutex_unlock (&watch.lock);
  cancellable = g_object_ref (ferry_job_get_cancellable (job));
  /* It may be cancelled already: then the handler is called now. */
  handler = g_cancellable_connect (cancellable, G_CALLBACK (interrupt_function), NULL, NULL);
  g_object_unref (job);
  g_mutex_lock (&watch.lock);
  if (watch.number == number && watch.job != NULL)
    {
      watch.cancellable = g_steal_pointer (&cancellable);
      watch.handler = handler;
      return;
    }
  if (handler != 0)
    g_signal_handler_disconnect (cancellable, handler);
  g_object_unref (cancellable);
}

static gpointer
run_watch (gpointer unused)
{
  guint idle = 0;

  g_mutex_lock (&watch.lock);
  for (;;)
    {
      const guint64 number = watch.number;
      const gint64 until = g_get_monotonic_time () + SHORT_TIME;

      while (g_cond_wait_until (&watch.cond, &watch.lock, until))
        ;
      if (watch.job != NULL && watch.number == number && watch.cancellable == NULL)
        watch_job ();
      idle = watch.number == number ? idle + 1 : 0;
      watch.sleeps = idle > IDLE_TURNS;
      while (watch.sleeps)
        g_cond_wait (&watch.cond, &watch.lock);
    }
  return NULL;
}

static void
begin_watch (FerryJob *job)
{
  g_mutex_lock (&watch.lock);
  watch.job = g_object_ref (job);
  watch.number++;
  watch.main = pthread_self ();
  if (watch.thread == NULL)
    watch.thread = g_thread_try_new ("ferry-cancel", run_watch, NULL, NULL);
  if (watch.sleeps)
    {
      watch.sleeps = FALSE;
      g_cond_signal (&watch.cond);
    }
  g_mutex_unlock (&watch.lock);
}

static void
end_watch (void)
{
  FerryJob *job;
  GCancellable *cancellable;

  g_mutex_lock (&watch.lock);
  job = g_steal_pointer (&watch.job);
  cancellable = g_steal_pointer (&watch.cancellable);
  g_mutex_unlock (&watch.lock);
  if (cancellable != NULL)
    {
      if (watch.handler != 0)
        g_signal_handler_disconnect (cancellable, watch.handler);
      g_object_unref (cancellable);
    }
  g_clear_object (&job);
}

/* ---- Job ----
 * What a function of Python has of a FerryJob. */

typedef struct
{
  PyObject base;
  FerryJob *job; /* const: (owned) */
} Job;

static PyTypeObject *job_type;

/* Raised for an error of the library. */
static PyObject *failure_type;

/* Returns NULL. */
static PyObject *
raise_failure (GError *error)
{
  PyErr_SetString (failure_type, error->message);
  g_error_free (error);
  return NULL;
}

static PyObject *
return_none (GError *error)
{
  if (error != NULL)
    return raise_failure (error);
  Py_RETURN_NONE;
}

static PyObject *
job_new (FerryJob *job)
{
  allocfunc allocate = (allocfunc) PyType_GetSlot (job_type, Py_tp_alloc);
  Job *self = (Job *) allocate (job_type, 0);

  if (self != NULL)
    self->job = g_object_ref (job);
  return (PyObject *) self;
}

static void
job_dealloc (PyObject *object)
{
  PyTypeObject *type = Py_TYPE (object);
  freefunc release = (freefunc) PyType_GetSlot (type, Py_tp_free);

  g_object_unref (((Job *) object)->job);
  release (object);
  Py_DECREF (type);
}

static PyObject *
job_is_cancelled (PyObject *object, PyObject *unused)
{
  return PyBool_FromLong (ferry_job_is_cancelled (((Job *) object)->job));
}

/* send(type, bytes): a message of the task. */
static PyObject *
job_send (PyObject *object, PyObject *args)
{
  const char *type, *bytes;
  Py_ssize_t size;
  GError *error = NULL;
  GVariant *value;

  if (!PyArg_ParseTuple (args, "sy#", &type, &bytes, &size))
    return NULL;
  value = variant_of_bytes (bytes, size);
  Py_BEGIN_ALLOW_THREADS ferry_job_send (((Job *) object)->job, type, value, &error);
  Py_END_ALLOW_THREADS return return_none (error);
}

/* yield_(bytes): a value of a stream. Waits where the application is behind. */
static PyObject *
job_yield (PyObject *object, PyObject *args)
{
  const char *bytes;
  Py_ssize_t size;
  GError *error = NULL;
  GVariant *value;

  if (!PyArg_ParseTuple (args, "y#", &bytes, &size))
    return NULL;
  value = variant_of_bytes (bytes, size);
  Py_BEGIN_ALLOW_THREADS ferry_job_yield (((Job *) object)->job, value, &error);
  Py_END_ALLOW_THREADS return return_none (error);
}

/* report(fraction, text): waits while the task is paused. */
static PyObject *
job_report (PyObject *object, PyObject *args)
{
  const char *text;
  double fraction;
  GError *error = NULL;

  if (!PyArg_ParseTuple (args, "dz", &fraction, &text))
    return NULL;
  Py_BEGIN_ALLOW_THREADS ferry_job_report (((Job *) object)->job, fraction, text, &error);
  Py_END_ALLOW_THREADS return return_none (error);
}

/* report_amount(amount, total, unit, text) */
static PyObject *
job_report_amount (PyObject *object, PyObject *args)
{
  PyObject *amount, *total;
  const char *unit, *text;
  unsigned long long numbers[2];
  GError *error = NULL;

  if (!PyArg_ParseTuple (args, "OOzz", &amount, &total, &unit, &text))
    return NULL;
  numbers[0] = PyLong_AsUnsignedLongLong (amount);
  numbers[1] = PyErr_Occurred () ? 0 : PyLong_AsUnsignedLongLong (total);
  if (PyErr_Occurred ())
    return NULL;
  Py_BEGIN_ALLOW_THREADS ferry_job_report_amount (((Job *) object)->job, numbers[0], numbers[1], unit, text, &error);
  Py_END_ALLOW_THREADS return return_none (error);
}

static PyObject *
job_begin_part (PyObject *object, PyObject *argument)
{
  const double weight = PyFloat_AsDouble (argument);

  if (PyErr_Occurred ())
    return NULL;
  ferry_job_begin_part (((Job *) object)->job, weight);
  Py_RETURN_NONE;
}

static PyObject *
job_end_part (PyObject *object, PyObject *unused)
{
  ferry_job_end_part (((Job *) object)->job);
  Py_RETURN_NONE;
}

/* Has func turn a descriptor into a handle, or the other way round. */
static PyObject *
exchange (PyObject *object, PyObject *argument, int (*func) (FerryJob *job, int number, GError **error))
{
  const long number = PyLong_AsLong (argument);
  GError *error = NULL;
  int other;

  if (PyErr_Occurred ())
    return NULL;
  other = func (((Job *) object)->job, (int) number, &error);
  return error != NULL ? raise_failure (error) : PyLong_FromLong (other);
}

/* return_descriptor(fd): gives it to the task, and closes it here in time. Returns the handle. */
static PyObject *
job_return_descriptor (PyObject *object, PyObject *argument)
{
  return exchange (object, argument, ferry_job_return_descriptor);
}

/* dup_descriptor(handle): a descriptor that came with the call. */
static PyObject *
job_dup_descriptor (PyObject *object, PyObject *argument)
{
  return exchange (object, argument, ferry_job_dup_descriptor);
}

static PyObject *
job_commit (PyObject *object, PyObject *unused)
{
  GError *error = NULL;
  gboolean may_go_on;

  Py_BEGIN_ALLOW_THREADS may_go_on = ferry_job_commit (((Job *) object)->job, &error);
  Py_END_ALLOW_THREADS if (!may_go_on) return raise_failure (error);
  Py_RETURN_NONE;
}

static PyObject *
job_get_scratch_folder (PyObject *object, PyObject *unused)
{
  GError *error = NULL;
  const char *path;

  Py_BEGIN_ALLOW_THREADS path = ferry_job_get_scratch_folder (((Job *) object)->job, &error);
  Py_END_ALLOW_THREADS return error != NULL ? raise_failure (error) : PyUnicode_DecodeFSDefault (path);
}

/* fail(message, trace): what becomes of the task when its function returns. */
static PyObject *
job_fail (PyObject *object, PyObject *args)
{
  const char *message, *trace;
  GError *error;

  if (!PyArg_ParseTuple (args, "ss", &message, &trace))
    return NULL;
  error = g_error_new_literal (g_quark_from_static_string (PYTHON_ERROR), 0, message);
  ferry_job_fail (((Job *) object)->job, error, trace);
  g_error_free (error);
  Py_RETURN_NONE;
}

/* end(trace): where the function was that ends for a cancel or the end of its time, which becomes its error. Returns
 * whether there is one. */
static PyObject *
job_end (PyObject *object, PyObject *argument)
{
  FerryJob *job = ((Job *) object)->job;
  const char *trace = PyUnicode_AsUTF8AndSize (argument, NULL);
  GError *error = NULL;

  if (trace == NULL)
    return NULL;
  if (ferry_job_check (job, &error))
    Py_RETURN_FALSE;
  ferry_job_fail (job, error, trace);
  g_error_free (error);
  Py_RETURN_TRUE;
}

/* What PyGObject knows it by, for all that this class has not. */
static PyObject *
job_get_gobject (PyObject *object, void *unused)
{
  /* It knows the class by the library's introspection data. */
  PyObject *library = PyImport_ImportModule ("ferry._library");
  const gboolean is_known = library != NULL && import_pygobject ();

  Py_XDECREF (library);
  return is_known ? pygobject_new (G_OBJECT (((Job *) object)->job)) : NULL;
}

static PyMethodDef job_methods[] = {
  {"begin_part", job_begin_part, METH_O, NULL},
  {"commit", job_commit, METH_NOARGS, NULL},
  {"dup_descriptor", job_dup_descriptor, METH_O, NULL},
  {"end", job_end, METH_O, NULL},
  {"end_part", job_end_part, METH_NOARGS, NULL},
  {"fail", job_fail, METH_VARARGS, NULL},
  {"get_scratch_folder", job_get_scratch_folder, METH_NOARGS, NULL},
  {"is_cancelled", job_is_cancelled, METH_NOARGS, NULL},
  {"report", job_report, METH_VARARGS, NULL},
  {"report_amount", job_report_amount, METH_VARARGS, NULL},
  {"return_descriptor", job_return_descriptor, METH_O, NULL},
  {"send", job_send, METH_VARARGS, NULL},
  {"yield_", job_yield, METH_VARARGS, NULL},
  {NULL},
};

static PyGetSetDef job_properties[] = {{"gobject", job_get_gobject, NULL, NULL, NULL}, {NULL}};

static PyType_Slot job_slots[] = {
  {Py_tp_dealloc, job_dealloc},
  {Py_tp_methods, job_methods},
  {Py_tp_getset, job_properties},
  {0},
};

static PyType_Spec job_spec = {
  .name = "_ferry.Job",
  .basicsize = sizeof (Job),
  .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
  .slots = job_slots,
};

/* ---- functions of Python, by their names ---- */

/* With an exception of Python, which it takes: what the library is told of it. A function says by fail() what else it
 * has to say. */
static void
explain (FerryJob *job, GError **error)
{
  if (!ferry_job_check (job, error))
    PyErr_Clear ();
  else
    {
      PyErr_WriteUnraisable (NULL);
      g_set_error_literal (error, g_quark_from_static_string (PYTHON_ERROR), 0,
                           "The worker of Python failed itself; its standard error says why");
    }
}

/* Lets go of a view of the arguments. Where something of Python still has a part of it, they stay for ever, as nobody
 * can tell when it has not. */
static void
release_view (PyObject *view, GVariant *arguments)
{
  PyObject *type, *value, *trace;
  PyObject *released;

  PyErr_Fetch (&type, &value, &trace);
  released = PyObject_CallMethod (view, "release", NULL);
  if (released == NULL)
    {
      PyErr_Clear ();
      g_variant_ref (arguments);
    }
  Py_XDECREF (released);
  Py_DECREF (view);
  PyErr_Restore (type, value, trace);
}

/* A FerryFunctionFull. call: takes the job and a view of the arguments, which is valid as long as it runs, and returns
 * bytes, or None where it has called fail(). */
static GVariant *
call_python (FerryJob *job, GVariant *arguments, gpointer call, GError **error)
{
  PyGILState_STATE state = PyGILState_Ensure ();
  PyObject *wrapper = job_new (job);
  PyObject *view = wrapper != NULL ? PyMemoryView_FromMemory ((char *) g_variant_get_data (arguments),
                                                              (Py_ssize_t) g_variant_get_size (arguments), PyBUF_READ)
                                   : NULL;
  PyObject *result = NULL;
  GVariant *value = NULL;
  char *data;
  Py_ssize_t size;

  if (view != NULL)
    {
      begin_watch (job);
      result = PyObject_CallFunctionObjArgs (call, wrapper, view, NULL);
      end_watch ();
      release_view (view, arguments);
    }
  if (result == NULL)
    explain (job, error);
  else if (result != Py_None && PyBytes_AsStringAndSize (result, &data, &size) == 0)
    value = variant_of_bytes (data, size);
  else if (result != Py_None)
    explain (job, error);
  Py_XDECREF (result);
  Py_XDECREF (wrapper);
  PyGILState_Release (state);
  return value;
}

/* serve(name, call, signal): a function of a worker, which the signal interrupts when its task is cancelled. */
static PyObject *
serve (PyObject *module, PyObject *args)
{
  const char *name;
  PyObject *call;

  if (!PyArg_ParseTuple (args, "sOi", &name, &call, &watch.interrupt))
    return NULL;
  /* It stays as long as the process. */
  Py_INCREF (call);
  ferry_function_register_full (name, "ay", "ay", call_python, call, NULL);
  Py_RETURN_NONE;
}

/* begin(job): a function of another kind begins, on this thread; a job of PyGObject's. Returns what it is here. */
static PyObject *
begin (PyObject *module, PyObject *wrapper)
{
  gpointer job = get_object (wrapper);
  PyObject *self = job != NULL ? job_new (job) : NULL;

  if (self != NULL)
    begin_watch (job);
  return self;
}

/* end(): that function has ended. */
static PyObject *
end (PyObject *module, PyObject *unused)
{
  end_watch ();
  Py_RETURN_NONE;
}

/* ---- the worker's main function ---- */

/* A FerryInitialiser. */
static gboolean
prepare_python (gpointer prepare, GError **error)
{
  PyGILState_STATE state = PyGILState_Ensure ();
  PyObject *result = PyObject_CallNoArgs (prepare);
  const gboolean is_prepared = result != NULL;

  if (!is_prepared)
    {
      PyErr_WriteUnraisable (prepare);
      g_set_error_literal (error, g_quark_from_static_string (PYTHON_ERROR), 0, "an exception was raised");
    }
  Py_XDECREF (result);
  PyGILState_Release (state);
  return is_prepared;
}

/* A FerryForkHandler. CPython's own handlers: random numbers are seeded anew, locks and threads are as in a new
 * process. The second call lets go of what the first one takes. CPython 3.13 ends a process that has it otherwise. */
static void
handle_fork (gpointer after)
{
  PyGILState_STATE state = PyGILState_Ensure ();
  PyObject *result;

  PyOS_BeforeFork ();
  PyOS_AfterFork_Child ();
  result = PyObject_CallNoArgs (after);
  if (result == NULL)
    PyErr_WriteUnraisable (after);
  Py_XDECREF (result);
  PyGILState_Release (state);
}

/* run(prepare, after): serves, if an application has started this process as a worker, and does not return. Before,
 * prepare() is called; and in each forked worker, after(). */
static PyObject *
run (PyObject *module, PyObject *args)
{
  PyObject *prepare, *after;

  if (!PyArg_ParseTuple (args, "OO", &prepare, &after))
    return NULL;
  /* They stay as long as the process. */
  Py_INCREF (prepare);
  Py_INCREF (after);
  ferry_worker_add_initialiser ("import", prepare_python, prepare, NULL);
  ferry_worker_add_fork_handler (handle_fork, after, NULL);
  Py_BEGIN_ALLOW_THREADS ferry_worker_main (NULL, NULL);
  Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

/* lead(): the signal by which the application asks where a function is comes to the library first, and only questions
 * to the handler that was installed for it, which prints the stack of Python. */
static PyObject *
lead (PyObject *module, PyObject *unused)
{
  ferry_crash_lead ();
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
  {"begin", begin, METH_O, NULL},
  {"end", end, METH_NOARGS, NULL},
  {"bind", bind, METH_VARARGS, NULL},
  {"follow", follow, METH_O, NULL},
  {"lead", lead, METH_NOARGS, NULL},
  {"make", make, METH_VARARGS, NULL},
  {"run", run, METH_VARARGS, NULL},
  {"show", show, METH_VARARGS, NULL},
  {"serve", serve, METH_VARARGS, NULL},
  {"submit", submit, METH_VARARGS, NULL},
  {"take", take, METH_O, NULL},
  {NULL},
};

/* The largest size of memory that is kept for the next call, in bytes, at first. */
#define KEPT_SIZE (2 << 20)

/* The C library gives memory above 128 KiB back to the system when it is freed, and the next call has its pages made
 * anew: of 100 kB, that took five times as long as all else. It learns from the largest block that was freed so far, so
 * that a program has it once, and is otherwise as it was. */
static void
keep_freed_memory (void)
{
  g_free (g_malloc (KEPT_SIZE));
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_ferry", .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit__ferry (void);

PyMODINIT_FUNC
PyInit__ferry (void)
{
  PyObject *module = PyModule_Create (&definition);

  keep_freed_memory ();
  event_type = (PyTypeObject *) PyType_FromSpec (&event_spec);
  job_type = (PyTypeObject *) PyType_FromSpec (&job_spec);
  failure_type = PyErr_NewException ("_ferry.Failure", NULL, NULL);
  followed_quark = g_quark_from_static_string ("ferry-python-followed");
  if (module == NULL || event_type == NULL || job_type == NULL || failure_type == NULL ||
      PyModule_AddObjectRef (module, "Event", (PyObject *) event_type) < 0 ||
      PyModule_AddObjectRef (module, "Failure", failure_type) < 0 ||
      PyModule_AddStringConstant (module, "VERSION", VERSION) < 0)
    return NULL;
  return module;
}
