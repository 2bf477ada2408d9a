// Where metrics may be served.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "metrics/address.h"
#include "metrics_scratch.h"

namespace jitcorral::metrics {
namespace {

using metrics_test::Client;
using metrics_test::Folder;

std::string refusal(const std::string& where) {
  try {
    close(listen_at(where));
    return "";
  } catch (const AddressError& error) {
    return error.what();
  }
}

TEST(MetricsAddress, OnlyLoopbackIsServed) {
  for (const char* where : {"0.0.0.0:0", "10.0.0.1:9464", "[::]:0", "[2001:db8::1]:1", "example:1",
                            "localhost:0", ":9464", "::1:0", "[127.0.0.1]:0"}) {
    const std::string said = refusal(where);
    EXPECT_NE(said.find(where), std::string::npos) << said;
    EXPECT_NE(said.find("127.0.0.0/8"), std::string::npos) << said;
  }
  EXPECT_EQ(refusal("127.0.0.1:0"), "");
  EXPECT_EQ(refusal("127.1.2.3:0"), "");
}

TEST(MetricsAddress, OddPortsAreRefused) {
  for (const char* where : {"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x"})
    EXPECT_NE(refusal(where).find("0 to 65535"), std::string::npos) << where;
  EXPECT_NE(refusal("9464").find("accepted: unix:/PATH"), std::string::npos);
}

TEST(MetricsAddress, OddPathsAreRefused) {
  for (const std::string& path : {std::string(), std::string("here"), "/" + std::string(200, 'x')})
    EXPECT_NE(refusal("unix:" + path).find("absolute path"), std::string::npos) << path;
  EXPECT_NE(refusal("unix:/no/such/folder/metrics").find("No such file"), std::string::npos);
}

TEST(MetricsAddress, AnAbandonedSocketIsReplaced) {
  const Folder folder;
  const std::string where = "unix:" + folder.socket();
  close(listen_at(where));
  const int fd = listen_at(where);
  EXPECT_NO_THROW(Client(folder.socket()));
  close(fd);
}

TEST(MetricsAddress, WhatOthersServeIsLeftAlone) {
  const Folder folder;
  const int fd = listen_at("unix:" + folder.socket());
  EXPECT_NE(refusal("unix:" + folder.socket()).find("something else"), std::string::npos);
  EXPECT_NO_THROW(Client(folder.socket()));
  close(fd);
}

TEST(MetricsAddress, AFileIsLeftAlone) {
  const Folder folder;
  close(open(folder.socket().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_NE(refusal("unix:" + folder.socket()).find("no socket"), std::string::npos);
  EXPECT_EQ(access(folder.socket().c_str(), F_OK), 0);
}

TEST(MetricsAddress, EverybodyMayAskWhateverTheUmask) {
  const Folder folder;
  const mode_t before = umask(0077);
  close(listen_at("unix:" + folder.socket()));
  umask(before);
  struct stat there {};
  ASSERT_EQ(stat(folder.socket().c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777, 0666u);
}

}  // namespace
}  // namespace jitcorral::metrics
