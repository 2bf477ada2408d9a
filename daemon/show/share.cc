#include "show/share.h"

#include <algorithm>

#include "show/safe.h"

namespace jitcorral::show {
namespace {

// Below these, each folder is somebody's home.
constexpr std::string_view kHomes[] = {"/home/",        "/Users/",    "/var/home/",
                                       "/export/home/", "/usr/home/", "/mnt/home/"};

bool is_word(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x80 || (u >= '0' && u <= '9') || ((u | 0x20) >= 'a' && (u | 0x20) <= 'z') ||
         u == '_';
}

bool ends_component(std::string_view text, std::size_t at) {
  return at >= text.size() || !(is_word(text[at]) || text[at] == '-' || text[at] == '.');
}

void insert(std::vector<std::string>& list, std::string_view text) {
  if (text.empty() || std::find(list.begin(), list.end(), text) != list.end()) return;
  list.emplace_back(text);
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

// Whether `name` stands at `at` as a word of its own.
bool is_here(std::string_view text, std::size_t at, std::string_view name) {
  return text.substr(at).starts_with(name) && (at == 0 || !is_word(text[at - 1])) &&
         (at + name.size() >= text.size() || !is_word(text[at + name.size()]));
}

std::size_t match(const std::vector<std::string>& names, std::string_view text, std::size_t at) {
  for (const std::string& name : names)
    if (is_here(text, at, name)) return name.size();
  return 0;
}

// How long a home folder of nobody in particular is that begins at `at`; 0: none does.
std::size_t home_at(std::string_view text, std::size_t at) {
  if (text[at] != '/') return 0;
  // Not in the middle of another path: /srv/home/x is no home of the kind that is known.
  if (at > 0 && (is_word(text[at - 1]) || text[at - 1] == '.' || text[at - 1] == '-')) return 0;
  constexpr std::string_view kRoot = "/root";
  if (text.substr(at).starts_with(kRoot) && ends_component(text, at + kRoot.size()))
    return kRoot.size();
  for (const std::string_view folder : kHomes) {
    if (!text.substr(at).starts_with(folder)) continue;
    const std::size_t begin = at + folder.size();
    std::size_t end = text.find_first_of("/ \t\n\r\"'`:;,)]}", begin);
    if (end == std::string_view::npos) end = text.size();
    if (end > begin) return end - at;
  }
  return 0;
}

// Of `run --keep-arguments`: all of it as JSON. The program's name is what may stay.
std::string without_arguments(const std::string& command) {
  if (!command.starts_with("[")) return command;
  const Json words = Json::parse(command, nullptr, false);
  if (!words.is_array() || words.empty() || !words[0].is_string()) return "";
  return std::string(basename_of(words[0].get<std::string>()));
}

}  // namespace

void Sharing::add_home(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.size() > 1 && path[0] == '/') insert(homes_, path);
}

void Sharing::add_user(std::string_view name) {
  // Everybody's administrator is nobody in particular.
  if (name != "root") insert(users_, name);
}

void Sharing::add_host(std::string_view name) {
  if (name.empty() || name == "localhost") return;
  insert(hosts_, name);
  insert(hosts_, name.substr(0, name.find('.')));
}

void Sharing::learn(std::string_view path) {
  for (const std::string_view folder : kHomes) {
    if (!path.starts_with(folder)) continue;
    const std::string_view name =
        path.substr(folder.size()).substr(0, path.substr(folder.size()).find('/'));
    if (name.empty()) continue;
    add_home(path.substr(0, folder.size() + name.size()));
    add_user(name);
  }
}

std::string Sharing::text(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t taken = 0;
    for (const std::string& home : homes_) {
      if (!text.substr(at).starts_with(home) || !ends_component(text, at + home.size())) continue;
      taken = home.size();
      break;
    }
    if (taken == 0) taken = home_at(text, at);
    if (taken != 0) {
      out += '~';
    } else if ((taken = match(hosts_, text, at)) != 0) {
      out += "HOST";
    } else if ((taken = match(users_, text, at)) != 0) {
      out += "USER";
    } else {
      out += text[at];
      taken = 1;
    }
    at += taken;
  }
  return out;
}

void Sharing::apply(model::Session& session) const {
  session.command = text(without_arguments(session.command));
  session.host = "HOST";
}

void Sharing::apply(Shown& shown) const {
  const auto clean = [&](std::string& value) { value = text(std::string_view(value)); };
  model::Run& run = shown.run;
  run.uid.reset();
  run.boot.clear();
  run.label.clear();
  for (std::string* value :
       {&run.reason, &run.executable, &run.unit, &run.container, &run.slurm_job})
    clean(*value);
  analyze::Report& report = shown.report;
  clean(report.because);
  for (std::string& blind : report.blind) clean(blind);
  for (analyze::EngineUse& engine : report.engines) {
    clean(engine.name);
    clean(engine.module);
    for (analyze::CallerUse& caller : engine.callers) {
      clean(caller.module);
      clean(caller.symbol);
    }
  }
}

void Sharing::apply(Detailed& run) const {
  apply(run.shown);
  const auto clean = [&](std::string& value) { value = text(std::string_view(value)); };
  for (model::Site& site : run.sites) {
    clean(site.module);
    clean(site.symbol);
  }
  for (analyze::Caller& caller : run.placements.callers) {
    clean(caller.module);
    clean(caller.symbol);
  }
}

void share(Sharing& sharing, model::Session* session, std::vector<Shown>& runs,
           std::vector<Detailed>& detailed) {
  const auto learn = [&](const Shown& shown) {
    sharing.learn(shown.run.executable);
    for (const analyze::EngineUse& engine : shown.report.engines) {
      sharing.learn(engine.module);
      for (const analyze::CallerUse& caller : engine.callers) sharing.learn(caller.module);
    }
  };
  for (const Shown& shown : runs) learn(shown);
  for (const Detailed& run : detailed) {
    learn(run.shown);
    for (const model::Site& site : run.sites) sharing.learn(site.module);
  }
  if (session != nullptr) {
    sharing.add_host(session->host);
    sharing.apply(*session);
  }
  for (Shown& shown : runs) sharing.apply(shown);
  for (Detailed& run : detailed) sharing.apply(run);
}

}  // namespace jitcorral::show
