/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Widgets are bound to the replica, which is the same for all workers, and is there from the first start on. The
 * bindings hang on a group until then.
 *
 * A picture is asked for when a frame begins and the plate has changed. While one is on its way no other is asked for,
 * so a worker that is slow costs frames and nothing more. A plate that stands still leaves the frame clock alone. */

#include "object/ferry-demo-object-page.h"

#include <glib/gi18n.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-message.h"
#include "object/ferry-demo-heat-field.h"
#include "object/ferry-demo-log-factory.h"
#include "object/ferry-demo-plate.h"

#define NO_FIGURE "–"
#define SINGLE_STEPS 100u

/* Microseconds over which pictures are counted. */
#define RATE_TIME (G_USEC_PER_SEC / 2)

struct _FerryDemoObjectPage
{
  FerryDemoPage parent_instance;

  FerryDemoObject *object;
  GBindingGroup *bindings;
  FerryDemoHeatReplica *replica; /* that widgets are bound to */
  GtkNoSelection *log_model;

  guint tick_callback;
  gboolean stale;     /* the picture, which is older than the plate */
  gboolean rendering; /* a picture is on its way */
  guint n_pictures;
  guint n_pictures_before; /* when the counting began, which was then */
  gint64 counted_since;

  GtkWidget *running_switch;
  gboolean follows; /* the plate follows what is seen: see ferry_demo_object_page_set_follows() */
  gboolean rests;   /* time was stopped because the page was hidden */
  GPid begun;       /* time was begun on the plate of this process */
};

G_DEFINE_FINAL_TYPE (FerryDemoObjectPage, ferry_demo_object_page, FERRY_DEMO_TYPE_PAGE)

static gboolean
is_live (FerryDemoObjectPage *self)
{
  return self->object != NULL && ferry_demo_object_get_state (self->object) == FERRY_DEMO_OBJECT_STATE_LIVE;
}

static void
refused_cb (FerryDemoObjectPage *self, const char *text)
{
  ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_WARNING, text);
}

/* ---- calls ---- */

/* What a call that was lost with its worker failed with is said together with the end of that. */
static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoObjectPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_demo_object_call_finish (FERRY_DEMO_OBJECT (source), result, &error);

  if (value == NULL && is_live (self))
    ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_WARNING, error->message);
}

static void
call (FerryDemoObjectPage *self, const char *method, GVariant *arguments)
{
  if (is_live (self))
    ferry_demo_object_call_async (self->object, method, arguments, called_cb, g_object_ref (self));
  else if (arguments != NULL)
    g_variant_unref (g_variant_ref_sink (arguments));
}

static void
start_or_stop (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);
  gboolean running = gtk_switch_get_active (GTK_SWITCH (self->running_switch));

  call (self, running ? FERRY_DEMO_HEAT_STOP : FERRY_DEMO_HEAT_START, NULL);
}

static void
step (GtkWidget *widget, const char *action, GVariant *parameter)
{
  call (FERRY_DEMO_OBJECT_PAGE (widget), FERRY_DEMO_HEAT_STEP, g_variant_new ("(u)", SINGLE_STEPS));
}

static void
reset (GtkWidget *widget, const char *action, GVariant *parameter)
{
  call (FERRY_DEMO_OBJECT_PAGE (widget), FERRY_DEMO_HEAT_RESET, NULL);
}

static void
add_source_at (FerryDemoObjectPage *self, guint x, guint y)
{
  call (self, FERRY_DEMO_HEAT_ADD_SOURCE, g_variant_new ("(uu)", x, y));
}

static void
add_source (GtkWidget *widget, const char *action, GVariant *parameter)
{
  add_source_at (FERRY_DEMO_OBJECT_PAGE (widget), (guint) g_random_int_range (0, FERRY_DEMO_HEAT_WIDTH),
                 (guint) g_random_int_range (0, FERRY_DEMO_HEAT_HEIGHT));
}

static void
try_to_break (FerryDemoPage *page)
{
  ferry_demo_object_kill (FERRY_DEMO_OBJECT_PAGE (page)->object);
}

static void
try_again (FerryDemoPage *page)
{
  ferry_demo_object_start (FERRY_DEMO_OBJECT_PAGE (page)->object);
}

/* ---- pictures ---- */

static void
show_picture (FerryDemoObjectPage *self, GVariant *value)
{
  g_autoptr (GVariant) bytes = NULL;
  g_autoptr (GBytes) pixels = NULL;
  double black, white;
  guint width, height;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("(" FERRY_DEMO_HEAT_RENDER_RESULT ")")))
    return;
  g_variant_get (value, "(uudd@ay)", &width, &height, &black, &white, &bytes);
  pixels = g_variant_get_data_as_bytes (bytes);
  if (!ferry_demo_plate_show (ferry_demo_page_get_child (self, "plate"), width, height, pixels))
    return;

  self->n_pictures++;
  gtk_widget_set_visible (ferry_demo_page_get_child (self, "empty_box"), FALSE);
  ferry_demo_page_take_text (self, "black_label", g_strdup_printf ("%.0f °C", black));
  ferry_demo_page_take_text (self, "white_label", g_strdup_printf ("%.0f °C", white));
}

static void
rendered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoObjectPage) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_demo_object_call_finish (FERRY_DEMO_OBJECT (source), result, &error);

  self->rendering = FALSE;
  if (self->object == NULL)
    return;
  if (value != NULL)
    show_picture (self, value);
  else if (is_live (self))
    ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_WARNING, error->message);
}

static void
count_pictures (FerryDemoObjectPage *self, gint64 now)
{
  gint64 time = now - self->counted_since;

  if (time < RATE_TIME)
    return;
  ferry_demo_page_take_text (
    self, "rate_label",
    g_strdup_printf ("%.0f/s", (double) (self->n_pictures - self->n_pictures_before) * G_USEC_PER_SEC / (double) time));
  self->n_pictures_before = self->n_pictures;
  self->counted_since = now;
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);

  count_pictures (self, gdk_frame_clock_get_frame_time (frame_clock));
  if (self->rendering)
    return G_SOURCE_CONTINUE;
  if (is_live (self) && self->stale)
    {
      self->stale = FALSE;
      self->rendering = TRUE;
      ferry_demo_object_call_async (self->object, FERRY_DEMO_HEAT_RENDER, NULL, rendered_cb, g_object_ref (self));
      return G_SOURCE_CONTINUE;
    }
  if (is_live (self) && gtk_switch_get_active (GTK_SWITCH (self->running_switch)))
    return G_SOURCE_CONTINUE;

  self->tick_callback = 0;
  gtk_label_set_text (ferry_demo_page_get_child (self, "rate_label"), NO_FIGURE);
  return G_SOURCE_REMOVE;
}

static void
want_picture (FerryDemoObjectPage *self)
{
  self->stale = TRUE;
  if (self->tick_callback != 0 || !is_live (self) || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->n_pictures_before = self->n_pictures;
  self->counted_since = g_get_monotonic_time ();
  self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

static void
stop_ticking (FerryDemoObjectPage *self)
{
  if (self->tick_callback != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick_callback);
  self->tick_callback = 0;
}

/* ---- what is bound to the replica ---- */

static gboolean
to_seconds (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_take_string (to, g_strdup_printf ("%.2f s", g_value_get_double (from)));
  return TRUE;
}

static gboolean
to_degrees (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_take_string (to, g_strdup_printf ("%.1f °C", g_value_get_double (from)));
  return TRUE;
}

static gboolean
to_count (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_auto (GValue) count = G_VALUE_INIT;

  g_value_init (&count, G_TYPE_UINT64);
  g_value_transform (from, &count);
  g_value_take_string (to, ferry_format_count (g_value_get_uint64 (&count)));
  return TRUE;
}

static gboolean
to_verb (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_value_set_static_string (to, g_value_get_boolean (from) ? _ ("_Stop") : _ ("_Start"));
  return TRUE;
}

static const struct
{
  const char *property;
  const char *scale;
  const char *label;
  const char *unit;
} settings[] = {
  {"conductivity", "conductivity_scale", "conductivity_label", "W/(m·K)"},
  {"source-power", "power_scale", "power_label", "W"},
  {"speed", "speed_scale", "speed_label", "steps/s"},
};

static const struct
{
  const char *property;
  const char *label;
  GBindingTransformFunc func;
} figures[] = {
  {"time", "time_label", to_seconds},
  {"steps", "steps_label", to_count},
  {"mean-temperature", "mean_label", to_degrees},
  {"max-temperature", "max_label", to_degrees},
  {"n-sources", "sources_label", to_count},
  {"running", "start_button", to_verb},
};

static void
show_settings (FerryDemoObjectPage *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      gpointer scale = ferry_demo_page_get_child (self, settings[i].scale);
      char *text = g_strdup_printf ("%.0f %s", gtk_range_get_value (scale), settings[i].unit);

      gtk_accessible_update_property (scale, GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, text, -1);
      ferry_demo_page_take_text (self, settings[i].label, text);
    }
}

/* The limits are those of the properties. */
static void
bind_setting (FerryDemoObjectPage *self, GObjectClass *klass, guint i)
{
  GParamSpecDouble *pspec = G_PARAM_SPEC_DOUBLE (g_object_class_find_property (klass, settings[i].property));
  GtkRange *range = ferry_demo_page_get_child (self, settings[i].scale);

  gtk_range_set_range (range, pspec->minimum, pspec->maximum);
  gtk_range_set_value (range, pspec->default_value);
  gtk_range_set_round_digits (range, 0);
  g_signal_connect_object (range, "value-changed", G_CALLBACK (show_settings), self, G_CONNECT_SWAPPED);
  g_binding_group_bind (self->bindings, settings[i].property, gtk_range_get_adjustment (range), "value",
                        G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
}

static void
bind_all (FerryDemoObjectPage *self)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (FERRY_DEMO_TYPE_HEAT_REPLICA);

  self->bindings = g_binding_group_new ();
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    bind_setting (self, G_OBJECT_CLASS (klass), i);
  g_binding_group_bind (self->bindings, "running", self->running_switch, "active",
                        G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
  for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
    g_binding_group_bind_full (self->bindings, figures[i].property, ferry_demo_page_get_child (self, figures[i].label),
                               "label", G_BINDING_SYNC_CREATE, figures[i].func, NULL, NULL, NULL);
  show_settings (self);
}

/* A log that shows its end keeps showing its end when lines are added. */
static void
log_changed_cb (FerryDemoObjectPage *self, guint position, guint n_removed, guint n_added)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->log_model));

  gtk_widget_set_visible (ferry_demo_page_get_child (self, "log_placeholder"), n_items == 0);
  if (n_added > 0 && position + n_added == n_items)
    gtk_widget_activate_action (ferry_demo_page_get_child (self, "log_list"), "list.scroll-to-item", "u", n_items - 1);
}

/* Of a worker that was lost the figures and the log stay to be read, until there is another one. */
static void
follow_replica (FerryDemoObjectPage *self)
{
  FerryDemoHeatReplica *replica = ferry_demo_object_get_replica (self->object);

  if (replica == self->replica || replica == NULL)
    return;
  g_set_object (&self->replica, replica);
  g_binding_group_set_source (self->bindings, replica);
  g_signal_connect_object (replica, "notify", G_CALLBACK (want_picture), self, G_CONNECT_SWAPPED);
  gtk_no_selection_set_model (self->log_model, ferry_demo_object_get_log (self->object));
}

/* ---- time, by itself ---- */

/* A new plate has two sources, so that there is something to be seen at once. */
static void
follow (FerryDemoObjectPage *self)
{
  GPid pid = ferry_demo_object_get_pid (self->object);
  gboolean mapped = gtk_widget_get_mapped (GTK_WIDGET (self));

  if (!self->follows || !is_live (self))
    return;
  if (mapped && self->begun != pid)
    {
      self->begun = pid;
      self->rests = FALSE;
      add_source_at (self, FERRY_DEMO_HEAT_WIDTH / 3, FERRY_DEMO_HEAT_HEIGHT / 2);
      add_source_at (self, 3 * FERRY_DEMO_HEAT_WIDTH / 4, FERRY_DEMO_HEAT_HEIGHT / 3);
      call (self, FERRY_DEMO_HEAT_START, NULL);
    }
  else if (mapped && self->rests)
    {
      self->rests = FALSE;
      call (self, FERRY_DEMO_HEAT_START, NULL);
    }
  else if (!mapped && gtk_switch_get_active (GTK_SWITCH (self->running_switch)))
    {
      self->rests = TRUE;
      call (self, FERRY_DEMO_HEAT_STOP, NULL);
    }
}

void
ferry_demo_object_page_set_follows (FerryDemoObjectPage *self, gboolean follows)
{
  self->follows = follows;
}

/* ---- states ---- */

static void
show_state (FerryDemoObjectPage *self)
{
  FerryDemoObjectState state = ferry_demo_object_get_state (self->object);

  switch (state)
    {
    case FERRY_DEMO_OBJECT_STATE_LIVE:
      ferry_demo_page_take_text (
        self, "state_label",
        g_strdup_printf (_ ("Live in process %d"), (int) ferry_demo_object_get_pid (self->object)));
      break;
    case FERRY_DEMO_OBJECT_STATE_LOST:
      gtk_label_set_text (ferry_demo_page_get_child (self, "state_label"), _ ("Lost"));
      break;
    case FERRY_DEMO_OBJECT_STATE_OFF:
      gtk_label_set_text (ferry_demo_page_get_child (self, "state_label"), _ ("Off"));
      break;
    case FERRY_DEMO_OBJECT_STATE_CONNECTING:
    default:
      gtk_label_set_text (ferry_demo_page_get_child (self, "state_label"), _ ("Connecting…"));
      break;
    }
}

/* One cause, and what it has cost. */
static void
show_loss (FerryDemoObjectPage *self)
{
  guint n_failed = ferry_demo_object_get_n_failed (self->object);
  g_autofree char *calls = ferry_demo_format_counted (n_failed, ngettext ("%s call", "%s calls", n_failed));
  const char *reason = ferry_demo_object_get_reason (self->object);
  g_autofree char *text =
    n_failed > 0 ? g_strdup_printf (_ ("%s. %s failed with it."), reason, calls) : g_strdup (reason);

  ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, text);
  gtk_label_set_text (ferry_demo_page_get_child (self, "empty_label"), _ ("There is no worker"));
}

static void
changed_cb (FerryDemoObjectPage *self)
{
  FerryDemoObjectState state = ferry_demo_object_get_state (self->object);
  gboolean live = state == FERRY_DEMO_OBJECT_STATE_LIVE;
  gboolean connecting = state == FERRY_DEMO_OBJECT_STATE_CONNECTING;
  static const char *const actions[] = {"object.start-or-stop", "object.step", "object.reset", "object.add-source"};

  follow_replica (self);
  show_state (self);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), actions[i], live);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.try-to-break", live || connecting);
  gtk_widget_set_sensitive (ferry_demo_page_get_child (self, "controls"), live);
  gtk_widget_set_sensitive (ferry_demo_page_get_child (self, "plate"), live);
  /* A box that flows keeps the focus where it is, instead of passing it on, while none of its buttons takes it. */
  gtk_widget_set_sensitive (ferry_demo_page_get_child (self, "calls"), live);
  gtk_spinner_set_spinning (ferry_demo_page_get_child (self, "spinner"), connecting);
  gtk_widget_set_visible (ferry_demo_page_get_child (self, "spinner"), connecting);
  if (connecting)
    {
      ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_INFO, NULL);
      gtk_label_set_text (ferry_demo_page_get_child (self, "empty_label"), _ ("Connecting…"));
    }
  if (state == FERRY_DEMO_OBJECT_STATE_LOST)
    show_loss (self);
  if (live)
    want_picture (self);
  follow (self);
}

/* ---- the page itself ---- */

static void
ferry_demo_object_page_map (GtkWidget *widget)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_object_page_parent_class)->map (widget);
  if (self->object == NULL)
    return;
  if (ferry_demo_object_get_state (self->object) == FERRY_DEMO_OBJECT_STATE_OFF)
    ferry_demo_object_start (self->object);
  follow (self);
  want_picture (self);
}

static void
ferry_demo_object_page_unmap (GtkWidget *widget)
{
  stop_ticking (FERRY_DEMO_OBJECT_PAGE (widget));
  GTK_WIDGET_CLASS (ferry_demo_object_page_parent_class)->unmap (widget);
  if (FERRY_DEMO_OBJECT_PAGE (widget)->object != NULL)
    follow (FERRY_DEMO_OBJECT_PAGE (widget));
}

static void
ferry_demo_object_page_dispose (GObject *object)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (object);

  stop_ticking (self);
  if (self->object != NULL)
    g_signal_handlers_disconnect_by_data (self->object, self);
  if (self->replica != NULL)
    g_signal_handlers_disconnect_by_data (self->replica, self);
  g_clear_object (&self->replica);
  g_clear_object (&self->bindings);
  g_clear_object (&self->log_model);
  g_clear_object (&self->object);
  G_OBJECT_CLASS (ferry_demo_object_page_parent_class)->dispose (object);
}

static void
install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "object.start-or-stop", NULL, start_or_stop);
  gtk_widget_class_install_action (widget_class, "object.step", NULL, step);
  gtk_widget_class_install_action (widget_class, "object.reset", NULL, reset);
  gtk_widget_class_install_action (widget_class, "object.add-source", NULL, add_source);
}

static void
begin (FerryDemoPage *page, FerryDemoSession *session)
{
  FerryDemoObjectPage *self = FERRY_DEMO_OBJECT_PAGE (page);

  self->object = g_object_ref (ferry_demo_session_get_object (session));
  g_signal_connect_object (self->object, "changed", G_CALLBACK (changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->object, "refused", G_CALLBACK (refused_cb), self, G_CONNECT_SWAPPED);
  changed_cb (self);
}

static gboolean
is_settled (FerryDemoPage *page)
{
  return FERRY_DEMO_OBJECT_PAGE (page)->n_pictures > 20;
}

static void
ferry_demo_object_page_class_init (FerryDemoObjectPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  static const char *const names[] = {
    "plate",
    "empty_box",
    "spinner",
    "empty_label",
    "black_label",
    "white_label",
    "start_button",
    "controls",
    "calls",
    "running_switch",
    "speed_label",
    "power_label",
    "conductivity_label",
    "conductivity_scale",
    "power_scale",
    "speed_scale",
    "time_label",
    "steps_label",
    "mean_label",
    "max_label",
    "sources_label",
    "rate_label",
    "log_list",
    "log_placeholder",
    "state_label",
    NULL,
  };

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_object_page_dispose;
  widget_class->map = ferry_demo_object_page_map;
  widget_class->unmap = ferry_demo_object_page_unmap;
  FERRY_DEMO_PAGE_CLASS (klass)->begin = begin;
  FERRY_DEMO_PAGE_CLASS (klass)->try_to_break = try_to_break;
  FERRY_DEMO_PAGE_CLASS (klass)->try_again = try_again;
  FERRY_DEMO_PAGE_CLASS (klass)->is_settled = is_settled;

  g_type_ensure (FERRY_DEMO_TYPE_PLATE);
  ferry_demo_page_class_set_template (klass, "ferry-demo-object-page", names);
  install_actions (widget_class);
}

static void
ferry_demo_object_page_init (FerryDemoObjectPage *self)
{
  g_autoptr (GtkListItemFactory) factory = ferry_demo_log_factory_new ();

  self->follows = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  self->running_switch = ferry_demo_page_get_child (self, "running_switch");
  bind_all (self);
  self->log_model = gtk_no_selection_new (NULL);
  gtk_list_view_set_factory (ferry_demo_page_get_child (self, "log_list"), factory);
  gtk_list_view_set_model (ferry_demo_page_get_child (self, "log_list"), GTK_SELECTION_MODEL (self->log_model));
  g_signal_connect_object (self->log_model, "items-changed", G_CALLBACK (log_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (ferry_demo_page_get_child (self, "plate"), "place-chosen", G_CALLBACK (add_source_at), self,
                           G_CONNECT_SWAPPED);
}

/* Of all workers. */
guint
ferry_demo_object_page_get_n_pictures (FerryDemoObjectPage *self)
{
  return self->n_pictures;
}
