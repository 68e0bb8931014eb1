/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object-test.h"

#include <stdatomic.h>

typedef struct
{
  GMutex lock;
  int value;
  int step;
  gboolean running;
  char *label;
  char *secret;
  TestCounter *next;
  int write_only;
  int n_at_once;
  int most_at_once;
  GQueue held; /* (element-type FerryInvocation) */
  guint n_cancelled;
  guint n_blocked;
} TestCounterPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (TestCounter, test_counter, G_TYPE_OBJECT)

struct _TestDoubleCounter
{
  TestCounter parent_instance;
};

G_DEFINE_FINAL_TYPE (TestDoubleCounter, test_double_counter, TEST_TYPE_COUNTER)

enum
{
  PROP_VALUE = 1,
  PROP_STEP,
  PROP_RUNNING,
  PROP_LABEL,
  PROP_SECRET,
  PROP_NEXT,
  PROP_WRITE_ONLY,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];
static guint counted;
static _Atomic int n_counters;

static TestCounterPrivate *
get (gpointer self)
{
  return test_counter_get_instance_private (TEST_COUNTER (self));
}

TestCounter *
test_counter_new (const char *label)
{
  return g_object_new (TEST_TYPE_COUNTER, "label", label, NULL);
}

int
test_counter_count (void)
{
  return atomic_load (&n_counters);
}

gboolean
test_counters_are_gone (gpointer data)
{
  return test_counter_count () == 0;
}

int
test_counter_get_value (TestCounter *self)
{
  int value;

  g_mutex_lock (&get (self)->lock);
  value = get (self)->value;
  g_mutex_unlock (&get (self)->lock);
  return value;
}

void
test_counter_set_value (TestCounter *self, int value)
{
  g_mutex_lock (&get (self)->lock);
  get (self)->value = value;
  g_mutex_unlock (&get (self)->lock);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALUE]);
}

void
test_counter_set_next (TestCounter *self, TestCounter *next)
{
  g_set_object (&get (self)->next, next);
}

int
test_counter_get_most_at_once (TestCounter *self)
{
  return get (self)->most_at_once;
}

void
test_counter_emit (TestCounter *self, int number, const char *text)
{
  g_signal_emit (self, counted, 0, number, text);
}

/* ---- methods ---- */

static void
enter (TestCounterPrivate *priv)
{
  g_mutex_lock (&priv->lock);
  priv->n_at_once++;
  priv->most_at_once = MAX (priv->most_at_once, priv->n_at_once);
  g_mutex_unlock (&priv->lock);
  /* Others that may be here come now. */
  g_thread_yield ();
}

static void
leave (TestCounterPrivate *priv)
{
  g_mutex_lock (&priv->lock);
  priv->n_at_once--;
  g_mutex_unlock (&priv->lock);
}

static void
add_times (gpointer object, FerryInvocation *invocation, int times)
{
  TestCounter *self = TEST_COUNTER (object);
  int amount;

  enter (get (self));
  g_variant_get (ferry_invocation_get_arguments (invocation), "(i)", &amount);
  g_mutex_lock (&get (self)->lock);
  get (self)->value += times * amount;
  amount = get (self)->value;
  g_mutex_unlock (&get (self)->lock);
  g_object_notify_by_pspec (object, properties[PROP_VALUE]);
  leave (get (self));
  ferry_invocation_return_value (invocation, g_variant_new ("(i)", amount));
}

static void
real_add (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  add_times (object, invocation, 1);
}

static void
double_add (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  add_times (object, invocation, 2);
}

static void
get_self (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_object (invocation, object);
}

static void
get_next (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  if (get (object)->next != NULL)
    ferry_invocation_return_object (invocation, G_OBJECT (get (object)->next));
  else
    ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no next one");
}

static void
make (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (TestCounter) made = NULL;
  const char *label;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(&s)", &label);
  made = test_counter_new (label);
  ferry_invocation_return_object (invocation, G_OBJECT (made));
}

static void
fail (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  const char *message;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(&s)", &message);
  ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_BUSY, "%s", message);
}

static void
hold (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  TestCounterPrivate *priv = get (object);

  enter (priv);
  g_mutex_lock (&priv->lock);
  g_queue_push_tail (&priv->held, ferry_invocation_ref (invocation));
  g_mutex_unlock (&priv->lock);
}

void
test_counter_let_go (TestCounter *self)
{
  TestCounterPrivate *priv = get (self);
  g_autoptr (FerryInvocation) invocation = NULL;

  g_mutex_lock (&priv->lock);
  invocation = g_queue_pop_head (&priv->held);
  g_mutex_unlock (&priv->lock);
  g_assert_nonnull (invocation);
  leave (priv);
  ferry_invocation_return_value (invocation, g_variant_new_int32 (test_counter_get_value (self)));
}

guint
test_counter_get_n_held (TestCounter *self)
{
  guint n;

  g_mutex_lock (&get (self)->lock);
  n = get (self)->held.length;
  g_mutex_unlock (&get (self)->lock);
  return n;
}

guint
test_counter_get_n_cancelled (TestCounter *self)
{
  guint n = 0;

  g_mutex_lock (&get (self)->lock);
  for (GList *l = get (self)->held.head; l != NULL; l = l->next)
    n += g_cancellable_is_cancelled (ferry_invocation_get_cancellable (l->data));
  g_mutex_unlock (&get (self)->lock);
  return n;
}

static void
count_blocked (TestCounterPrivate *priv, guint n)
{
  g_mutex_lock (&priv->lock);
  priv->n_blocked += n;
  g_mutex_unlock (&priv->lock);
}

static void
block (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  GCancellable *cancellable = ferry_invocation_get_cancellable (invocation);
  GPollFD fd;

  g_assert_true (g_cancellable_make_pollfd (cancellable, &fd));
  count_blocked (get (object), 1);
  while (!g_cancellable_is_cancelled (cancellable))
    g_poll (&fd, 1, -1);
  g_cancellable_release_fd (cancellable);
  ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Nobody wants it any more");
  count_blocked (get (object), (guint) -1);
}

guint
test_counter_get_n_blocked (TestCounter *self)
{
  guint n;

  g_mutex_lock (&get (self)->lock);
  n = get (self)->n_blocked;
  g_mutex_unlock (&get (self)->lock);
  return n;
}

static void
stop (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  get (object)->running = FALSE;
  g_object_notify_by_pspec (object, properties[PROP_RUNNING]);
  ferry_invocation_return_value (invocation, NULL);
}

static void
join (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autofree const char **words = NULL;
  g_autofree char *text = NULL;
  int times;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(^a&si)", &words, &times);
  text = g_strjoinv ("-", (char **) words);
  ferry_invocation_return_value (invocation, g_variant_new ("(s)", text));
}

static void
wrong (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, g_variant_new_int32 (1));
}

static void
give_stranger (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_autoptr (GCancellable) stranger = g_cancellable_new ();

  ferry_invocation_return_object (invocation, G_OBJECT (stranger));
}

static void
drop (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
}

static gpointer
answer_thread (gpointer data)
{
  g_autoptr (FerryInvocation) invocation = data;

  ferry_invocation_return_value (
    invocation, g_variant_new_int32 (test_counter_get_value (TEST_COUNTER (ferry_invocation_get_object (invocation)))));
  return NULL;
}

static void
thread (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  g_thread_unref (g_thread_new ("answer", answer_thread, ferry_invocation_ref (invocation)));
}

FerryInterface *
test_counter_create_interface (void)
{
  FerryInterface *self = ferry_interface_new ("org.example.Counter", TEST_TYPE_COUNTER);

  ferry_interface_add_class_method (self, "add", "i", "i", G_STRUCT_OFFSET (TestCounterClass, add));
  ferry_interface_add_method (self, "get_self", "", "o", get_self, NULL, NULL);
  ferry_interface_add_method (self, "get_next", "", "o", get_next, NULL, NULL);
  ferry_interface_add_method (self, "make", "s", "o", make, NULL, NULL);
  ferry_interface_add_method (self, "fail", "s", "", fail, NULL, NULL);
  ferry_interface_add_method (self, "hold", "", "i", hold, NULL, NULL);
  ferry_interface_add_method (self, "block", "", "", block, NULL, NULL);
  ferry_interface_add_method (self, "stop", "", "", stop, NULL, NULL);
  ferry_interface_add_method (self, "join", "asi", "s", join, NULL, NULL);
  ferry_interface_add_method (self, "wrong", "", "s", wrong, NULL, NULL);
  ferry_interface_add_method (self, "give_stranger", "", "o", give_stranger, NULL, NULL);
  ferry_interface_add_method (self, "drop", "", "", drop, NULL, NULL);
  ferry_interface_add_method (self, "thread", "", "i", thread, NULL, NULL);
  ferry_interface_add_property (self, "value",
                                G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  ferry_interface_add_property (self, "step",
                                G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  ferry_interface_add_property (self, "running", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_property (self, "label",
                                G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  ferry_interface_add_property (self, "next", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  ferry_interface_add_property (self, "write-only", G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  ferry_interface_add_signal (self, "counted");
  return self;
}

/* ---- the object ---- */

static void
test_counter_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  TestCounterPrivate *priv = get (object);

  switch (property_id)
    {
    case PROP_VALUE:
      g_value_set_int (value, test_counter_get_value (TEST_COUNTER (object)));
      break;
    case PROP_STEP:
      g_value_set_int (value, priv->step);
      break;
    case PROP_RUNNING:
      g_value_set_boolean (value, priv->running);
      break;
    case PROP_LABEL:
      g_value_set_string (value, priv->label);
      break;
    case PROP_SECRET:
      g_value_set_string (value, priv->secret);
      break;
    case PROP_NEXT:
      g_value_set_object (value, priv->next);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
test_counter_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  TestCounterPrivate *priv = get (object);

  switch (property_id)
    {
    case PROP_VALUE:
      g_mutex_lock (&priv->lock);
      priv->value = g_value_get_int (value);
      g_mutex_unlock (&priv->lock);
      break;
    case PROP_STEP:
      priv->step = g_value_get_int (value);
      break;
    case PROP_LABEL:
      g_free (priv->label);
      priv->label = g_value_dup_string (value);
      break;
    case PROP_SECRET:
      g_free (priv->secret);
      priv->secret = g_value_dup_string (value);
      break;
    case PROP_WRITE_ONLY:
      priv->write_only = g_value_get_int (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
test_counter_finalize (GObject *object)
{
  TestCounterPrivate *priv = get (object);

  g_assert_true (g_queue_is_empty (&priv->held));
  g_clear_object (&priv->next);
  g_free (priv->label);
  g_free (priv->secret);
  g_mutex_clear (&priv->lock);
  atomic_fetch_sub (&n_counters, 1);

  G_OBJECT_CLASS (test_counter_parent_class)->finalize (object);
}

static void
test_counter_class_init (TestCounterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags both = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = test_counter_get_property;
  object_class->set_property = test_counter_set_property;
  object_class->finalize = test_counter_finalize;
  klass->add = real_add;
  properties[PROP_VALUE] = g_param_spec_int ("value", NULL, NULL, 0, 1000000, 0, both);
  properties[PROP_STEP] = g_param_spec_int ("step", NULL, NULL, 1, 1000, 1, both);
  properties[PROP_RUNNING] =
    g_param_spec_boolean ("running", NULL, NULL, TRUE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, both);
  properties[PROP_SECRET] = g_param_spec_string ("secret", NULL, NULL, NULL, both);
  properties[PROP_NEXT] =
    g_param_spec_object ("next", NULL, NULL, TEST_TYPE_COUNTER, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_WRITE_ONLY] =
    g_param_spec_int ("write-only", NULL, NULL, 0, 10, 0, G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  counted = g_signal_new ("counted", TEST_TYPE_COUNTER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                          G_TYPE_INT, G_TYPE_STRING);
}

static void
test_counter_init (TestCounter *self)
{
  TestCounterPrivate *priv = get (self);

  g_mutex_init (&priv->lock);
  priv->step = 1;
  priv->running = TRUE;
  atomic_fetch_add (&n_counters, 1);
}

static void
test_double_counter_class_init (TestDoubleCounterClass *klass)
{
  TEST_COUNTER_CLASS (klass)->add = double_add;
}

static void
test_double_counter_init (TestDoubleCounter *self)
{
}
